/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer.c - both ends of the streams that a move is measured with
 *
 *     peer serve PORT                      echoes UDP datagrams and TCP bytes
 *     peer udp ADDRESS PORT RATE SECONDS   RATE numbered datagrams a second
 *     peer tcp ADDRESS PORT RATE SECONDS   RATE 64-byte records a second
 *     peer watch PORT                      when the first datagrams to PORT of both
 *                                          families left this host by any interface
 *
 * The client ends prints one line of KEY=VALUE: what was sent, what came back and
 * in which order, the longest time that nothing came, and when the first of those
 * that were lost had been sent. SIGTERM ends the sending early, not the counting.
 * Static and without any library but libc, since it also runs in the guest's
 * initramfs.
 */
#define _GNU_SOURCE /* ppoll() */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define RECORD_SIZE 64
#define CLIENTS	    16
/* What is still under way when the last has been sent may take this long. */
#define PATIENCE    3.0
#define LOST_TOLD   12

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Room for seconds of datagrams: what was held back comes in a burst, and a socket's
 * default buffer takes some 270 of them. */
static void enlarge_buffer(int fd)
{
	int size = 4 * 1024 * 1024;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* --- serve --------------------------------------------------------------- */

static int listen_on(const char *port, int type)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6,
				     .sin6_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET6, type, 0), off = 0, on = 1;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    (type == SOCK_STREAM && listen(fd, CLIENTS)))
		die("bind");
	return fd;
}

/* Answers from the address that was asked: the guest has several. */
static void echo_datagram(int fd)
{
	char bytes[2048], control[256];
	struct sockaddr_storage from;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return;
	iov.iov_len = (size_t)n;
	sendmsg(fd, &msg, 0);
}

static void echo_stream(struct pollfd *client)
{
	char bytes[4096];
	ssize_t n = read(client->fd, bytes, sizeof(bytes));

	if (n > 0 && write(client->fd, bytes, (size_t)n) == n)
		return;
	close(client->fd);
	client->fd = -1;
}

static void accept_client(int fd, struct pollfd *clients)
{
	int client = accept(fd, NULL, NULL);

	for (int i = 0; client >= 0 && i < CLIENTS; i++)
		if (clients[i].fd < 0) {
			clients[i] = (struct pollfd){ .fd = client, .events = POLLIN };
			return;
		}
	close(client);
}

static _Noreturn void serve(const char *port)
{
	struct pollfd fds[2 + CLIENTS];
	int on = 1;

	for (int i = 0; i < 2 + CLIENTS; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fds[0].fd = listen_on(port, SOCK_DGRAM);
	fds[1].fd = listen_on(port, SOCK_STREAM);
	enlarge_buffer(fds[0].fd);
	setsockopt(fds[0].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	for (;;) {
		if (poll(fds, 2 + CLIENTS, -1) < 0)
			die("poll");
		if (fds[0].revents)
			echo_datagram(fds[0].fd);
		if (fds[1].revents)
			accept_client(fds[1].fd, fds + 2);
		for (int i = 2; i < 2 + CLIENTS; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				echo_stream(&fds[i]);
	}
}

/* --- the client ends ----------------------------------------------------- */

static volatile sig_atomic_t enough;

static void had_enough(int signal)
{
	(void)signal;
	enough = 1;
}

typedef struct Stream {
	int fd;
	double interval, end;
	uint32_t sent, total;
	unsigned char *seen; /* by number: how often */
	uint32_t received, duplicates, reordered, newest;
	double last, gap; /* when something came; the longest pause between */
} Stream;

static int connect_to(const char *address, const char *port, int type)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(port)) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = in.sin_port };
	bool ip6 = inet_pton(AF_INET6, address, &in6.sin6_addr) == 1;
	int fd = socket(ip6 ? AF_INET6 : AF_INET, type, 0);

	if (!ip6 && inet_pton(AF_INET, address, &in.sin_addr) != 1) {
		fprintf(stderr, "peer: %s: not an address\n", address);
		exit(2);
	}
	if (fd < 0 ||
	    connect(fd, ip6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		    ip6 ? sizeof(in6) : sizeof(in)))
		die("connect");
	return fd;
}

static struct timespec time_span(double seconds)
{
	time_t whole = (time_t)seconds;

	return (struct timespec){ whole, (long)((seconds - (double)whole) * 1e9) };
}

static void take_number(Stream *stream, uint32_t number)
{
	double time = now();

	if (number >= stream->total)
		return;
	if (stream->seen[number])
		stream->duplicates++;
	else
		stream->received++;
	if (number < stream->newest)
		stream->reordered++;
	else
		stream->newest = number;
	if (stream->seen[number] < 255)
		stream->seen[number]++;
	if (stream->last > 0 && time - stream->last > stream->gap)
		stream->gap = time - stream->last;
	stream->last = time;
}

/* True while more may come. Sends what is due. */
static bool step(Stream *stream, double start, bool (*receive)(Stream *))
{
	double time = now(), due = start + stream->sent * stream->interval;
	struct pollfd pollfd = { .fd = stream->fd, .events = POLLIN };
	char record[RECORD_SIZE] = { 0 };
	struct timespec wait = { .tv_nsec = 100000000 };

	if (enough && stream->sent < stream->total && stream->sent > 0) {
		stream->total = stream->sent;
		stream->end = time + PATIENCE;
	}
	if (stream->sent < stream->total && time >= due) {
		uint32_t number = htonl(stream->sent);

		memcpy(record, &number, sizeof(number));
		/* a full queue or a missing route loses this one, and counts */
		if (write(stream->fd, record, sizeof(record)) < 0 &&
		    (errno == ECONNRESET || errno == EPIPE || errno == ETIMEDOUT))
			return false;
		stream->sent++;
		if (stream->sent == stream->total)
			stream->end = time + PATIENCE;
		return true;
	}
	if (stream->sent == stream->total &&
	    (time >= stream->end || stream->received == stream->total))
		return false;
	if (stream->sent < stream->total)
		wait = time_span(due - time);
	if (ppoll(&pollfd, 1, &wait, NULL) > 0)
		return receive(stream);
	return true;
}

static bool receive_datagram(Stream *stream)
{
	char record[2048];
	uint32_t number;

	if (recv(stream->fd, record, sizeof(record), 0) == RECORD_SIZE) {
		memcpy(&number, record, sizeof(number));
		take_number(stream, ntohl(number));
	}
	return true; /* an ICMP error of the way is a loss like any other */
}

static bool receive_stream(Stream *stream)
{
	static char buffer[65536];
	static size_t have;
	ssize_t n = recv(stream->fd, buffer + have, sizeof(buffer) - have, 0);
	size_t at = 0;
	uint32_t number;

	if (n <= 0)
		return false;
	have += (size_t)n;
	for (; have - at >= RECORD_SIZE; at += RECORD_SIZE) {
		memcpy(&number, buffer + at, sizeof(number));
		take_number(stream, ntohl(number));
	}
	memmove(buffer, buffer + at, have - at);
	have -= at;
	return true;
}

/* Of the day, UTC: to be compared with events.jsonl. */
static void print_lost(const Stream *stream, time_t began, double fraction)
{
	unsigned told = 0;

	for (uint32_t i = 0; i < stream->sent && told < LOST_TOLD; i++) {
		double due = fraction + i * stream->interval;
		time_t second = began + (time_t)due;
		char text[16];

		if (stream->seen[i])
			continue;
		strftime(text, sizeof(text), "%H:%M:%S", gmtime(&second));
		printf("%s%s.%03d", told++ ? "," : " lost_at=", text,
		       (int)(due * 1000) % 1000);
	}
}

static int run(int type, char **argv, bool (*receive)(Stream *))
{
	double rate = atof(argv[2]), seconds = atof(argv[3]), start = now();
	Stream stream = { .fd = connect_to(argv[0], argv[1], type),
			  .interval = 1 / rate,
			  .total = (uint32_t)(rate * seconds) };
	struct timespec began;
	int on = 1;

	clock_gettime(CLOCK_REALTIME, &began);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, had_enough);
	if (type == SOCK_STREAM)
		setsockopt(stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	else
		enlarge_buffer(stream.fd);
	stream.seen = calloc(stream.total, 1);
	while (step(&stream, start, receive))
		;
	printf("sent=%u received=%u lost=%u duplicates=%u reordered=%u gap_ms=%.1f",
	       stream.sent, stream.received, stream.sent - stream.received,
	       stream.duplicates, stream.reordered, stream.gap * 1000);
	print_lost(&stream, began.tv_sec, (double)began.tv_nsec / 1e9);
	putchar('\n');
	return stream.sent < stream.total; /* the connection broke */
}

/* --- watch ----------------------------------------------------------------- */

/* The port that an IP packet with a UDP header goes to; 0: none. */
static unsigned udp_port(const unsigned char *ip, ssize_t size)
{
	size_t header = ip[0] >> 4 == 4 ? (ip[0] & 15) * 4u : 40;
	unsigned protocol = ip[0] >> 4 == 4 ? ip[9] : ip[6];

	if (size < 40 || (size_t)size < header + 4 || protocol != IPPROTO_UDP)
		return 0;
	return (unsigned)ip[header + 2] << 8 | ip[header + 3];
}

static int watch(unsigned port)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	bool seen[2] = { false };

	if (fd < 0)
		die("socket");
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!seen[0] || !seen[1]) {
		struct sockaddr_ll from;
		socklen_t length = sizeof(from);
		unsigned char packet[128] = { 0 };
		struct timeval time;
		ssize_t size = recvfrom(fd, packet, sizeof(packet), 0,
					(struct sockaddr *)&from, &length);
		bool ip6 = packet[0] >> 4 == 6;

		if (size < 0 || from.sll_pkttype != PACKET_OUTGOING || seen[ip6] ||
		    udp_port(packet, size) != port || ioctl(fd, SIOCGSTAMP, &time))
			continue;
		seen[ip6] = true;
		printf("udp%d %lld.%06ld\n", ip6 ? 6 : 4, (long long)time.tv_sec,
		       (long)time.tv_usec);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "watch"))
		return watch((unsigned)atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "udp"))
		return run(SOCK_DGRAM, argv + 2, receive_datagram);
	if (argc == 6 && !strcmp(argv[1], "tcp"))
		return run(SOCK_STREAM, argv + 2, receive_stream);
	fprintf(stderr,
		"usage: peer serve|watch PORT | udp|tcp ADDRESS PORT RATE SECONDS\n");
	return 2;
}
