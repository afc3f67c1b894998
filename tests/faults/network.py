"""Links: what a daemon sends to a server, and the answers, pass through here, or do not.

One thread runs the event loop of all links. The others talk to it through Network.call().
"""
import asyncio
import os
import socket
import struct
import threading

CHUNK = 1 << 18
PRODUCE, OFFSET_COMMIT = 0, 8  # Kafka's numbers of requests


class Network:
    def __init__(self, namespaces=None):
        """namespaces: {slot: Namespace} of the daemons that are in one."""
        self.loop = asyncio.new_event_loop()
        self.links, self.namespaces = [], namespaces or {}
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, function, *arguments):
        """Runs the function on the loop's thread, and waits for it."""
        async def wrapped():
            return function(*arguments)
        return asyncio.run_coroutine_threadsafe(wrapped(), self.loop).result(30)

    def link(self, server, slot, port):
        """A link from daemon slot to 127.0.0.1:port."""
        kind = KafkaLink if server.startswith("kafka") else HttpLink
        link = kind(self, server, slot, port)
        asyncio.run_coroutine_threadsafe(link.open(), self.loop).result(30)
        self.links.append(link)
        return link

    def of_slot(self, slot, server=""):
        return [link for link in self.links if link.slot == slot and link.server.startswith(server)]

    def drop(self, links):
        """Forgets links that are no longer needed."""
        for link in links:
            self.call(link.close)
            self.links.remove(link)

    def close(self):
        self.drop(list(self.links))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class Link:
    """Passes bytes both ways. state: "up"; "cut": connections break, new ones are refused;
    "stalled": nothing passes, nothing breaks. delay_s: every piece waits so long."""

    def __init__(self, network, server, slot, port):
        self.network, self.server, self.slot, self.port = network, server, slot, port
        self.state, self.delay_s = "up", 0.0
        self.connections = set()
        self.moved = asyncio.Condition()

    async def open(self):
        self.moved = asyncio.Condition()
        namespace = self.network.namespaces.get(self.slot)
        host = namespace.host if namespace else "127.0.0.1"
        self.listener = await asyncio.start_server(self.serve, host, 0, limit=CHUNK)
        self.address = "%s:%d" % self.listener.sockets[0].getsockname()

    def close(self):
        self.listener.close()
        self.cut_all()

    def set(self, state="up", delay_s=0.0):
        self.network.call(self._set, state, delay_s)

    def _set(self, state, delay_s):
        self.state, self.delay_s = state, delay_s
        if state == "cut":
            self.cut_all()
        self.network.loop.create_task(self._tell())

    async def _tell(self):
        async with self.moved:
            self.moved.notify_all()

    def cut_all(self):
        for writer in list(self.connections):
            reset(writer)

    async def gate(self):
        """Returns when something may pass."""
        while self.state == "stalled":
            async with self.moved:
                await self.moved.wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)

    async def serve(self, reader, writer):
        if self.state == "cut":
            reset(writer)
            return
        self.connections.add(writer)
        server = None
        try:
            await self.gate()
            from_server, server = await asyncio.open_connection("127.0.0.1", self.port, limit=CHUNK)
            for end in (writer, server):
                end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.add(server)
            ways = [asyncio.ensure_future(self.requests(reader, server, writer)),
                    asyncio.ensure_future(self.answers(from_server, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in (writer, server):
                if end is not None:
                    self.connections.discard(end)
                    reset(end)

    async def requests(self, reader, server, client):
        await self.pass_on(reader, server)

    async def answers(self, reader, client):
        await self.pass_on(reader, client)

    async def pass_on(self, reader, writer):
        while True:
            data = await reader.read(CHUNK)
            if not data:
                return
            await self.gate()
            writer.write(data)
            await writer.drain()


def reset(writer):
    """Ends a connection with a reset, as a crash or a firewall would."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


class KafkaLink(Link):
    """trap: (matches(api_key, body), when, spring) or None. The first request that matches springs
    it: "before" anything of it is passed on, when "half" of it is, or "after" all of it."""

    trap = None

    async def requests(self, reader, server, client):
        while True:
            try:
                head = await reader.readexactly(4)
                body = await reader.readexactly(struct.unpack(">i", head)[0])
            except asyncio.IncompleteReadError:
                return
            await self.gate()
            trap = self.trap
            if trap is None or not trap.matches(struct.unpack_from(">h", body)[0], body):
                server.write(head + body)
                await server.drain()
                continue
            self.trap = None
            await trap.let_through(head + body, server)


class HttpLink(Link):
    """way: the name of the method below that has the writes; None: they pass."""

    way = None
    trap = None

    async def requests(self, reader, server, client):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                return
            size = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            body = await reader.readexactly(size)
            await self.gate()
            is_write = head.startswith(b"POST /write")
            trap, way = self.trap, self.way
            if is_write and trap is not None and trap.matches(None, head):
                self.trap = None
                await trap.let_through(head + body, server)
            elif is_write and way is not None:
                await getattr(self, way)(head + body, reader, server, client)
            else:
                server.write(head + body)
                await server.drain()

    async def answer(self, client, status, text, more=""):
        client.write((f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}"
                      f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        await client.drain()

    async def refuse_500(self, request, reader, server, client):
        await self.answer(client, "500 Internal Server Error", '{"error":"engine: timeout"}')

    async def refuse_503(self, request, reader, server, client):
        await self.answer(client, "503 Service Unavailable",
                          '{"error":"request throttled, queue full"}')

    async def refuse_429(self, request, reader, server, client):
        await self.answer(client, "429 Too Many Requests", '{"error":"slow down"}',
                          "Retry-After: 1\r\n")

    async def disk_full(self, request, reader, server, client):
        """The words of InfluxDB 1.6.7 when its WAL cannot grow."""
        await self.answer(client, "500 Internal Server Error",
                          '{"error":"engine: error writing WAL entry: write /wal/_00001.wal: '
                          'no space left on device"}')

    async def break_in_the_middle(self, request, reader, server, client):
        server.write(request[:len(request) // 2])
        await server.drain()
        reset(client)

    async def break_when_taken(self, request, reader, server, client):
        """The server has it all; its answer is lost with the connection."""
        server.write(request)
        await server.drain()
        await asyncio.sleep(0.2)
        reset(client)

    async def stay_silent(self, request, reader, server, client):
        """The server has it all and answers, but nobody hears that: a timeout."""
        _, apart = await asyncio.open_connection("127.0.0.1", self.port)
        apart.write(request)
        await apart.drain()
        await reader.read(1)  # until the client gives up
        reset(apart)

    async def come_late(self, request, reader, server, client):
        """The client is told that it broke, and the server gets it all the same, much later."""
        asyncio.get_running_loop().create_task(self.deliver_late(request))
        reset(client)

    async def deliver_late(self, request):
        await asyncio.sleep(2.5)
        try:
            answer, apart = await asyncio.open_connection("127.0.0.1", self.port)
            apart.write(request)
            await apart.drain()
            await asyncio.wait_for(answer.read(1 << 10), 10)
            reset(apart)
        except (OSError, asyncio.TimeoutError):
            pass


class Trap:
    """Springs once: kills a process when a request passes. when: "before", "half", "after"."""

    def __init__(self, matches, when, pid, signal):
        self.matches, self.when, self.pid, self.signal = matches, when, pid, signal
        self.sprung = threading.Event()

    async def let_through(self, request, server):
        share = {"before": 0, "half": len(request) // 2, "after": len(request)}[self.when]
        server.write(request[:share])
        await server.drain()
        if self.when == "after":
            await asyncio.sleep(0.005)  # the server is at it, its answer is not heard
        try:
            os.kill(self.pid, self.signal)
        except ProcessLookupError:
            pass
        self.sprung.set()
