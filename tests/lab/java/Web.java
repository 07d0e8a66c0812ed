/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's Tomcat: the distribution's, embedded, with one servlet that behaves in the ways that end in
 * resets. Must not make any itself. Proved by the scenarios of real_tomcat.sh.
 *
 *	java Web BASE PORT[,attribute=value...] [PORT...]
 *
 * Each PORT is a connector, its attributes those of server.xml. Paths:
 *	/hello		 a few bytes
 *	/size		 ?bytes=N: so many bytes, as fast as the client takes them
 *	/slow		 ?ms=N: a few bytes after so long
 *	/forbid		 403, whatever comes, without a look at the request's body
 *	/error		 500, likewise
 *	/eat		 takes memory until there is none
 */
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

@SuppressWarnings("serial")
public class Web extends HttpServlet {
	private static final List<byte[]> eaten = new ArrayList<>();
	private static final Logger root = Logger.getLogger("");

	@Override
	protected void service(HttpServletRequest request, HttpServletResponse response)
			throws IOException {
		switch (request.getRequestURI()) {
		case "/size":
			size(Long.parseLong(request.getParameter("bytes")), response);
			return;
		case "/slow":
			sleep(Long.parseLong(request.getParameter("ms")));
			break;
		case "/forbid":
			response.setStatus(HttpServletResponse.SC_FORBIDDEN);
			break;
		case "/error":
			response.setStatus(HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
			break;
		case "/eat":
			while (true)
				eaten.add(full(1 << 20));
		default:
			break;
		}
		byte[] body = "hello\n".getBytes("US-ASCII");
		response.setContentLength(body.length);
		response.getOutputStream().write(body);
	}

	/* A ClientAbortException here is what the users of Tomcat find in their logs. */
	private static void size(long bytes, HttpServletResponse response) throws IOException {
		response.setContentLengthLong(bytes);
		OutputStream out = response.getOutputStream();
		byte[] block = new byte[65536];
		try {
			while (bytes > 0) {
				int n = (int) Math.min(bytes, block.length);
				out.write(block, 0, n);
				bytes -= n;
			}
		} catch (IOException e) {
			System.err.println(e);
			throw e;
		}
	}

	private static byte[] full(int bytes) {
		byte[] block = new byte[bytes];
		java.util.Arrays.fill(block, (byte) 1);
		return block;
	}

	private static void sleep(long ms) {
		try {
			Thread.sleep(ms);
		} catch (InterruptedException e) {
			Thread.currentThread().interrupt();
		}
	}

	private static Connector connector(String text) {
		String[] word = text.split(",");
		Connector c = new Connector("org.apache.coyote.http11.Http11NioProtocol");
		c.setPort(Integer.parseInt(word[0]));
		for (int i = 1; i < word.length; i++) {
			String[] pair = word[i].split("=", 2);
			if (!c.setProperty(pair[0], pair[1]))
				throw new IllegalArgumentException(text);
		}
		return c;
	}

	public static void main(String[] args) throws Exception {
		root.setLevel(Level.WARNING);
		Tomcat tomcat = new Tomcat();
		tomcat.setBaseDir(args[0]);
		for (int i = 1; i < args.length; i++)
			tomcat.getService().addConnector(connector(args[i]));
		Context context = tomcat.addContext("", args[0]);
		Tomcat.addServlet(context, "lab", new Web()).addMapping("/*");
		tomcat.start();
		/* SIGTERM is the graceful stop, as with catalina.sh. */
		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			try {
				tomcat.stop();
			} catch (Exception e) {
				e.printStackTrace();
			}
		}));
		tomcat.getServer().await();
	}
}
