# shellcheck shell=bash disable=SC2154,SC2034,SC2086
# SPDX-License-Identifier: GPL-2.0-only
# Starting and steering real software for the scenarios of real_*.sh (see lib.sh), each scenario with
# servers of its own. Readiness is seen in the kernel's table of listeners, never by connecting: a probe
# that comes too early would be a reset of its own.

real=tests/lab
java_jars=/usr/share/java
jars=$(printf "$java_jars/tomcat10-%s.jar:" catalina coyote api juli util util-scan servlet-api \
	annotations-api jni jaspic-api)
jvm='java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto'

# Waits until all of them are listened on.
serves() { # LABEL PORT...
	local label=$1 port
	shift
	for port; do await 20 listens "$label" "$port"; done
}

# Like start, but to be told what to do by lines on its standard input: a pipe that it holds open itself.
steer() { # LABEL NAME COMMAND...
	local label=$1 name=$2
	shift 2
	mkfifo "$dir/$name.in"
	: >"$dir/$name.log"
	nsenter --net="/run/netns/$id-$label" -- "$@" 0<>"$dir/$name.in" >"$dir/$name.log" 2>&1 &
	pid=$!
	echo "$pid" >>"$dir/pids"
	echo "$pid" >"$dir/$name.pid"
}

longer() { # FILE LINES
	[ "$(wc -l <"$1")" -gt "$2" ]
}

order() { # NAME LINE: not waiting for an answer
	echo "$2" >"$dir/$1.in"
}

# The answer must be one of the pattern's (as of grep -E), or the scenario proves nothing.
tell() { # NAME LINE PATTERN
	local lines answer
	lines=$(wc -l <"$dir/$1.log")
	order "$1" "$2"
	await 20 longer "$dir/$1.log" "$lines"
	answer=$(sed -n "$((lines + 1))p" "$dir/$1.log")
	echo "$answer" | grep -Eqx -- "$3" || fail "$1 answered '$2' with '$answer'"
}

# The status that curl saw last must match.
fetches() { # LABEL PATTERN CURL-ARGUMENT...
	local label=$1 pattern=$2 got
	shift 2
	got=$(inside "$label" curl -s -o /dev/null -w '%{http_code}\n' "$@" | tail -n 1)
	echo "$got" | grep -Eqx -- "$pattern" || fail "curl $* saw $got"
}

# Its first thread can be gone while others still hold its sockets.
ended() { # PID
	gone "$1" && [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -le 1 ]
}

ends() { # NAME SIGNAL: and waits until it has
	local p
	p=$(pid_of "$1")
	kill -"$2" "$p"
	await 20 ended "$p"
}

unread_at() { # LABEL PORT: the client's end has something in its receive queue
	inside "$1" ss -Htn "dport = :$2" | awk '$2 > 0 { found = 1 } END { exit !found }'
}

unread_from() { # LABEL PORT: the server has accepted, and its end has something in its receive queue
	inside "$1" ss -Htnp state established "sport = :$2" |
		awk '$1 > 0 && /users:/ { found = 1 } END { exit !found }'
}

# Java is compiled once for all scenarios.
java_classes() {
	need java javac
	[ -e "$java_jars/tomcat10-catalina.jar" ] || skip "Tomcat 10 is not installed"
	(
		flock 9
		[ -e "$lab/classes/done" ] && exit
		javac -nowarn -d "$lab/classes" -cp "$jars" "$real"/java/*.java >"$lab/javac.log" 2>&1 &&
			touch "$lab/classes/done"
	) 9>"$lab/javac.lock" || fail "javac refused the lab's programs"
}

# tomcat LABEL NAME PORT[,attribute=value...]...
tomcat() {
	local label=$1 name=$2 port
	shift 2
	java_classes
	mkdir -p "$dir/$name"
	start "$label" "$name" $jvm -Xmx192m -XX:ErrorFile="$dir/$name.crash" \
		-cp "$jars:$lab/classes" Web "$dir/$name" "$@"
	for port; do
		serves "$label" "${port%%,*}"
		# its first answer takes long: classes are loaded
		fetches "$label" 200 -H 'Connection: close' "http://127.0.0.1:${port%%,*}/hello"
	done
}

accepted() { # LABEL PORT: the server has a connection of its own
	inside "$1" ss -Htnp state established "sport = :$2" | grep -q users:
}

java_client() { # LABEL NAME [JVM-OPTION...]; see java/Client.java
	local label=$1 name=$2
	shift 2
	java_classes
	steer "$label" "$name" $jvm -Xmx128m "$@" -cp "$lab/classes" Client
	await 20 longer "$dir/$name.log" 0
}

node_client() { # LABEL NAME; see node/client.js
	need node
	steer "$1" "$2" node "$real/node/client.js"
	await 20 longer "$dir/$2.log" 0
}

node_server() { # LABEL NAME PORT KEEPALIVE-MS; see node/server.js
	need node
	steer "$1" "$2" node "$real/node/server.js" "$3" "$4"
	serves "$1" "$3"
}

# nginx_with LABEL NAME PORT; what stands in http {} on stdin
nginx_with() {
	need nginx
	mkdir -p "$dir/$2"
	{
		cat "$real/conf/nginx.conf"
		echo 'http {'
		cat "$real/conf/nginx-http.conf" -
		echo '}'
	} | sed "s|@DIR@|$dir/$2|g" >"$dir/$2/nginx.conf"
	start "$1" "$2" nginx -p "$dir/$2" -e "$dir/$2/error.log" -c "$dir/$2/nginx.conf"
	serves "$1" "$3"
}

haproxy_with() { # LABEL NAME PORT; sections on stdin
	need haproxy
	cat "$real/conf/haproxy.cfg" - >"$dir/$2.cfg"
	start "$1" "$2" haproxy -db -f "$dir/$2.cfg"
	serves "$1" "$3"
}

apache_with() { # LABEL NAME PORT; more directives on stdin
	need apache2
	mkdir -p "$dir/$2/www"
	cat "$real/conf/apache.conf" - | sed "s|@DIR@|$dir/$2|g; s|@PORT@|$3|g" >"$dir/$2/apache.conf"
	start "$1" "$2" apache2 -f "$dir/$2/apache.conf" -D FOREGROUND
	serves "$1" "$3"
}

redis() { # LABEL NAME PORT OPTION...
	local label=$1 name=$2 port=$3
	shift 3
	need redis-server redis-cli
	start "$label" "$name" redis-server --bind 127.0.0.1 --port "$port" --save '' --dir "$dir" "$@"
	serves "$label" "$port"
}

# The database does not run as root.
postgres() { # LABEL NAME PORT
	local bin user=nobody data
	bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)
	[ -x "$bin/initdb" ] || skip "PostgreSQL is not installed"
	[ "$(id -u)" = 0 ] || skip "not root"
	data=$dir/$2
	mkdir "$data"
	chown "$user" "$data"
	(cd / && setpriv --reuid "$user" --clear-groups "$bin/initdb" -D "$data/db" -U lab -A trust -N \
		--no-locale -E UTF8) >"$dir/$2.init" 2>&1 || fail "initdb failed"
	start "$1" "$2" setpriv --reuid "$user" --clear-groups "$bin/postgres" -D "$data/db" \
		-p "$3" -k '' -h 127.0.0.1 -c fsync=off -c shared_buffers=16MB
	serves "$1" "$3"
}

sql() { # LABEL PORT ARGUMENT...
	local label=$1 port=$2
	shift 2
	inside "$label" psql -X -q -A -t -h 127.0.0.1 -p "$port" -U lab -d postgres "$@"
}

# Keep-alive races on purpose: what the servers on these ports send to end a connection is lost on its
# way, so that the client goes on as if it were open, as it does for a moment in every such race. Lost at
# the receiver: a packet dropped on its way out would be an error at the sender.
late_fins() { # LABEL PORT[, PORT...]
	nft_in "$1" <<-END
		table ip late {
			chain arriving {
				type filter hook input priority 0
				tcp sport { $2 } tcp flags & (fin | rst) == fin drop
			}
		}
	END
}

# The server has closed, and the client does not know.
closing() { # LABEL PORT
	inside "$1" ss -Htn state fin-wait-1 "sport = :$2" | grep -q .
}

# For what is a matter of time by its nature.
idle_for() { # SECONDS
	sleep "$1"
}
