/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's Java client: does what the lines on its standard input say, and answers each with one line.
 * Must not retry, time or hide anything by itself: what happens is what the JDK's clients do. Proved by
 * the scenarios of real_java.sh.
 *
 *	url URL		GET with HttpURLConnection: the status or the exception
 *	http URL	GET with java.net.http.HttpClient, likewise
 *	post URL	POST with it: nothing that it would send twice by itself
 *	many N URL	N of them at the same time: how many were answered with 200
 *	patience MS	how long both wait for an answer from now on
 *	nio HOST PORT PATH   a non-blocking SocketChannel sends a GET and reads nothing of the answer
 *	write TEXT	sends TEXT on that channel
 *	read		what comes on it: the number of bytes, "eof" or the exception
 *	close		closes it
 *	halt N		Runtime.halt(): no shutdown hook, nothing is closed by the program
 *	quit
 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

public class Client {
	private static final HttpClient http =
			HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
	private static SocketChannel channel;
	private static int patience = 10000;

	private static String url(String url) throws IOException {
		HttpURLConnection c = (HttpURLConnection) new URL(url).openConnection();
		c.setReadTimeout(patience);
		int status = c.getResponseCode();
		try (InputStream in = c.getInputStream()) {
			in.readAllBytes();
		}
		return Integer.toString(status);
	}

	private static HttpRequest request(String url) {
		return HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofMillis(patience)).build();
	}

	private static String http(String url) throws Exception {
		return Integer.toString(
				http.send(request(url), HttpResponse.BodyHandlers.ofByteArray()).statusCode());
	}

	private static String post(String url) throws Exception {
		HttpRequest r = HttpRequest.newBuilder(URI.create(url))
				.timeout(Duration.ofMillis(patience))
				.POST(HttpRequest.BodyPublishers.ofString("order"))
				.build();
		return Integer.toString(
				http.send(r, HttpResponse.BodyHandlers.ofByteArray()).statusCode());
	}

	private static String many(int n, String url) {
		List<CompletableFuture<Integer>> all = new ArrayList<>();
		for (int i = 0; i < n; i++)
			all.add(http.sendAsync(request(url), HttpResponse.BodyHandlers.ofByteArray())
							.thenApply(HttpResponse::statusCode)
							.exceptionally(e -> 0));
		return Long.toString(all.stream().filter(f -> f.join() == 200).count());
	}

	private static String nio(String host, int port, String path) throws IOException {
		channel = SocketChannel.open(new InetSocketAddress(host, port));
		channel.configureBlocking(false);
		return write("GET " + path + " HTTP/1.1\r\nHost: lab\r\n\r\n");
	}

	private static String write(String text) throws IOException {
		return Integer.toString(
				channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII))));
	}

	private static String read() throws IOException {
		int n = channel.read(ByteBuffer.allocate(65536));
		return n < 0 ? "eof" : Integer.toString(n);
	}

	private static String act(String[] word) throws Exception {
		switch (word[0]) {
		case "url":
			return url(word[1]);
		case "http":
			return http(word[1]);
		case "post":
			return post(word[1]);
		case "many":
			return many(Integer.parseInt(word[1]), word[2]);
		case "patience":
			patience = Integer.parseInt(word[1]);
			return "ok";
		case "nio":
			return nio(word[1], Integer.parseInt(word[2]), word[3]);
		case "write":
			return write(word[1]);
		case "read":
			return read();
		case "close":
			channel.close();
			return "ok";
		case "halt":
			Runtime.getRuntime().halt(Integer.parseInt(word[1]));
			return "";
		case "quit":
			System.exit(0);
			return "";
		default:
			return "unknown: " + word[0];
		}
	}

	/* Only the first line of a message: one answer is one line. */
	private static String oneLine(Throwable e) {
		return e.toString().lines().findFirst().orElse("");
	}

	public static void main(String[] args) throws IOException {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		String line;
		System.out.println("ready");
		while ((line = in.readLine()) != null) {
			try {
				System.out.println(act(line.split(" ")));
			} catch (Exception e) {
				System.out.println(oneLine(e));
			}
		}
	}
}
