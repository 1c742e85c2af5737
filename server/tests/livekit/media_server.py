"""A stand-in for a LiveKit server: signalling, data packets between participants, and the media that they send.

Rooms live in this process. Each participant has a WebSocket and two peer connections, as with LiveKit's protocol up to 17:
one that it offers and sends by, one that the server offers and sends data by. Published tracks are decoded and counted;
nobody is sent any.
"""

import asyncio
import json
import time

import jwt
import numpy
from aiohttp import WSMsgType, web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from livekit.protocol import models, rtc

API_KEY = "test-key"
API_SECRET = "a secret of the tests, long enough for HS256"


class Media:
    """What a participant has sent."""

    def __init__(self):
        self.pictures = 0
        self.sounds = 0
        self.samples = 0
        self.loud = []  # When a piece of sound was loud.
        self.size = None
        self.picture = None
        self.mouth = []  # Mean brightness changes from picture to picture.

    def take_picture(self, frame):
        picture = frame.to_ndarray(format="gray").astype(numpy.int16)
        if self.picture is not None and self.picture.shape == picture.shape:
            self.mouth.append(float(numpy.abs(picture - self.picture).mean()))
        self.picture = picture
        self.last = frame
        self.size = (frame.width, frame.height)
        self.pictures += 1

    def take_sound(self, frame):
        samples = frame.to_ndarray().astype(numpy.float64)
        self.sounds += 1
        self.samples += frame.samples
        if numpy.sqrt((samples**2).mean()) > 200:
            self.loud.append(time.monotonic())

    def loud_since(self, when):
        return sum(1 for moment in self.loud if moment >= when)


class Client:
    """A participant."""

    def __init__(self, server, room, claims):
        self.server = server
        self.room = room
        self.identity = claims["sub"]
        self.sid = f"PA_{server.next_number()}"
        self.kind = models.ParticipantInfo.AGENT if claims.get("kind") == "agent" else models.ParticipantInfo.STANDARD
        self.attributes = claims.get("attributes") or {}
        self.tracks = []
        self.channels = {}
        self.publisher = None
        self.subscriber = None
        self.socket = None
        self.media = Media()
        self.joins = 0
        self.resumes = 0
        self.drops = None  # The kind of data packet that is lost next.

    def info(self, state=models.ParticipantInfo.ACTIVE):
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.identity,
            state=state,
            joined_at=int(time.time()),
            kind=self.kind,
            attributes=self.attributes,
            tracks=self.tracks,
            permission=models.ParticipantPermission(can_subscribe=True, can_publish=True, can_publish_data=True),
        )

    async def send(self, **message):
        if self.socket is not None and not self.socket.closed:
            await self.socket.send_bytes(rtc.SignalResponse(**message).SerializeToString())

    def hears(self):
        """Whether data packets reach it."""
        channel = self.channels.get("_reliable")
        return channel is not None and channel.readyState == "open"

    async def close(self):
        for connection in (self.publisher, self.subscriber):
            if connection is not None:
                await connection.close()
        self.publisher = self.subscriber = None
        self.channels = {}

    async def offer(self):
        """Opens the connection that the server sends by."""
        self.subscriber = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channels["_reliable"] = self.subscriber.createDataChannel("_reliable", ordered=True)
        self.channels["_lossy"] = self.subscriber.createDataChannel("_lossy", ordered=True, maxRetransmits=0)
        await self.subscriber.setLocalDescription(await self.subscriber.createOffer())
        sdp = self.subscriber.localDescription.sdp
        await self.send(offer=rtc.SessionDescription(type="offer", sdp=sdp))

    async def answer(self, offer):
        """Answers the connection that the participant sends by."""
        if self.publisher is not None:
            return  # aiortc knows no ICE restart; what is there goes on.
        self.publisher = connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

        @connection.on("datachannel")
        def on_channel(channel):
            @channel.on("message")
            def on_message(packet):
                self.relay(channel.label, packet)

        @connection.on("track")
        def on_track(track):
            asyncio.ensure_future(self.consume(track))

        await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        sdp = connection.localDescription.sdp
        await self.send(answer=rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id))

    async def consume(self, track):
        take = self.media.take_picture if track.kind == "video" else self.media.take_sound
        try:
            while True:
                take(await track.recv())
        except MediaStreamError:
            pass

    def relay(self, label, data):
        packet = models.DataPacket()
        packet.ParseFromString(data)
        packet.participant_identity = self.identity
        if self.drops is not None and packet.WhichOneof("value") == self.drops:
            self.drops = None
            return
        to = set(packet.destination_identities)
        data = packet.SerializeToString()
        for other in self.room.values():
            channel = other.channels.get(label)
            if other is not self and (not to or other.identity in to):
                if channel is not None and channel.readyState == "open":
                    channel.send(data)
                else:
                    print(f"media server: {packet.WhichOneof('value')} for {other.identity} is lost: no channel")

    async def handle(self, message):
        kind = message.WhichOneof("message")
        if kind == "ping_req":
            now = int(time.time() * 1000)
            await self.send(pong_resp=rtc.Pong(last_ping_timestamp=message.ping_req.timestamp, timestamp=now))
        elif kind == "ping":
            await self.send(pong=int(time.time() * 1000))
        elif kind == "answer":
            await self.subscriber.setRemoteDescription(RTCSessionDescription(message.answer.sdp, "answer"))
        elif kind == "offer":
            await self.answer(message.offer)
        elif kind == "add_track":
            wanted = message.add_track
            track = models.TrackInfo(
                sid=f"TR_{self.server.next_number()}", type=wanted.type, name=wanted.name, source=wanted.source,
                width=wanted.width, height=wanted.height, stream=wanted.stream,
            )
            self.tracks.append(track)
            await self.send(track_published=rtc.TrackPublishedResponse(cid=wanted.cid, track=track))
            await self.server.tell(self)
        elif kind == "trickle":
            init = json.loads(message.trickle.candidateInit)
            connection = self.publisher if message.trickle.target == rtc.PUBLISHER else self.subscriber
            if connection is not None and init.get("candidate"):
                candidate = candidate_from_sdp(init["candidate"].split(":", 1)[1])
                candidate.sdpMid, candidate.sdpMLineIndex = init.get("sdpMid"), init.get("sdpMLineIndex")
                await connection.addIceCandidate(candidate)
        elif kind == "leave":
            await self.server.remove(self)


class MediaServer:
    """All rooms."""

    def __init__(self):
        self.rooms = {}
        self.number = 0
        self.queries = []
        self.forgets = False  # Whether sessions are forgotten, as by a server that was started anew.

    def next_number(self):
        self.number += 1
        return self.number

    async def start(self):
        app = web.Application()
        app.router.add_get("/rtc", self.signal)
        app.router.add_get("/rtc/validate", lambda _: web.Response(text="success"))
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def tell(self, client, state=models.ParticipantInfo.ACTIVE):
        """Tells the others of a participant."""
        update = rtc.ParticipantUpdate(participants=[client.info(state)])
        for other in list(client.room.values()):
            if other is not client:
                await other.send(update=update)

    async def remove(self, client):
        if client.room.get(client.identity) is client:
            del client.room[client.identity]
            await self.tell(client, models.ParticipantInfo.DISCONNECTED)
        await client.close()

    async def signal(self, request):
        token = request.query.get("access_token") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, API_SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return web.Response(status=401)
        self.queries.append(str(request.rel_url))
        room = self.rooms.setdefault(claims["video"]["room"], {})
        resumes = request.query.get("reconnect") == "1"
        known = room.get(claims["sub"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if resumes and (self.forgets or known is None or known.sid != request.query.get("sid")):
            leave = rtc.LeaveRequest(action=rtc.LeaveRequest.RECONNECT)
            await socket.send_bytes(rtc.SignalResponse(leave=leave).SerializeToString())
            await socket.close()
            return socket
        if resumes:
            client = known
            client.socket = socket
            client.resumes += 1
            await client.send(reconnect=rtc.ReconnectResponse())
        else:
            client = Client(self, room, claims)
            if known is not None:
                client.joins = known.joins
                await self.remove(known)
            client.joins += 1
            client.socket = socket
            others = list(room.values())
            room[client.identity] = client
            await client.send(
                join=rtc.JoinResponse(
                    room=models.Room(sid="RM_1", name=claims["video"]["room"]),
                    participant=client.info(),
                    other_participants=[other.info() for other in others],
                    server_version="1.9.0",
                    subscriber_primary=True,
                    ping_timeout=15,
                    ping_interval=5,
                    server_info=models.ServerInfo(version="1.9.0", protocol=16),
                )
            )
            await self.tell(client)
            await client.offer()
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                wanted = rtc.SignalRequest()
                wanted.ParseFromString(message.data)
                await client.handle(wanted)
        return socket
