// WebRTC: one offer, one answer; pictures and sound in a <video>.

const CONNECT_MS = 3000;

/** How much earlier the server says that pictures were taken than they were: they are ahead of their sound by it. */
const LEAD_MS = 40;

/** A connection that is silent for so long is lost; shorter gaps mend themselves. */
const SILENCE_MS = 2000;

export class Rtc {
  #pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  #sender = null;
  #silence = 0;
  onlost = null;

  /** Connects, or throws within three seconds. */
  async start(code, token, video, track) {
    const pc = this.#pc;
    const stream = new MediaStream();
    this.#sender = pc.addTransceiver(track ?? 'audio', { direction: 'sendrecv' }).sender;
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.createDataChannel('control');
    pc.ontrack = event => {
      stream.addTrack(event.track);
      video.srcObject = event.streams[0] ?? stream;
    };
    const connected = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('no connection')), CONNECT_MS);
      pc.onconnectionstatechange = () => {
        clearTimeout(this.#silence);
        if (pc.connectionState === 'connected') resolve();
        if (pc.connectionState === 'disconnected') this.#silence = setTimeout(() => this.onlost?.(), SILENCE_MS);
        if (['failed', 'closed'].includes(pc.connectionState)) {
          reject(new Error(pc.connectionState));
          this.onlost?.();
        }
      };
    });
    connected.catch(() => {});
    await pc.setLocalDescription(await pc.createOffer());
    const answer = await fetch(`/${code}/offer?session=${encodeURIComponent(token)}`, {
      method: 'POST', headers: { 'content-type': 'application/sdp' }, body: pc.localDescription.sdp,
    });
    if (!answer.ok) throw new Error(await answer.text());
    await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    await connected;
    await video.play();
  }

  replace(track) { this.#sender?.replaceTrack(track); }

  /** Milliseconds there and back, pictures a second, and milliseconds that pictures are ahead of their sound. */
  async figures() {
    const found = {};
    const played = {};
    for (const stat of (await this.#pc.getStats()).values()) {
      if (stat.type === 'candidate-pair' && stat.nominated) found.rtt = 1000 * (stat.currentRoundTripTime ?? 0);
      if (stat.type !== 'inbound-rtp') continue;
      played[stat.kind] = stat.estimatedPlayoutTimestamp;
      if (stat.kind === 'video') found.rate = stat.framesPerSecond;
    }
    found.ahead = played.video - played.audio + LEAD_MS;
    return found;
  }

  close() {
    this.onlost = null;
    clearTimeout(this.#silence);
    this.#pc.close();
  }
}
