// Measures a page from within: when its avatar's mouth is seen to move, when its sound is heard, and when
// the microphone hears a voice. Runs before the page's own scripts; times are of performance.now().

(() => {
  const probe = { mouth: [], sound: [], voice: [], box: [0.4, 0.6, 0.2, 0.14] };
  window.probe = probe;
  const KEEP = 4000;
  /** Values of the mouth's 40 × 28 pixels that are looked at. */
  const MOST_CHANGED = 90;
  const note = (list, value) => {
    list.push([performance.now(), value]);
    if (list.length > KEEP) list.shift();
  };

  /** Notes the level of what `node` plays, every few milliseconds. */
  const listen = (node, list) => {
    const analyser = node.context.createAnalyser();
    analyser.fftSize = 256;
    connect.call(node, analyser);
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      note(list, Math.max(...samples.map(Math.abs)));
    }, 4);
  };

  // By WebSocket the page's sound leaves through its AudioContext.
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) listen(this, probe.sound);
    return connect.call(this, target, ...rest);
  };

  // The microphone.
  const getUserMedia = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (getUserMedia) {
    navigator.mediaDevices.getUserMedia = async wanted => {
      const stream = await getUserMedia(wanted);
      const context = new AudioContext();
      await context.resume();
      listen(context.createMediaStreamSource(stream), probe.voice);
      return stream;
    };
  }

  // By WebRTC it leaves through the video.
  let heard = null;
  const small = new OffscreenCanvas(40, 28).getContext('2d', { willReadFrequently: true });
  let before = null;
  const look = () => {
    const video = document.getElementById('video');
    const canvas = document.getElementById('canvas');
    const picture = [canvas, video].find(element => element && !element.hidden);
    const [width, height] = [picture?.videoWidth || picture?.width, picture?.videoHeight || picture?.height];
    if (picture === video && video?.srcObject && heard !== video.srcObject) {
      heard = video.srcObject;
      const context = new AudioContext();
      context.resume();
      listen(context.createMediaStreamSource(heard), probe.sound);
    }
    if (width) {
      const [x, y, w, h] = probe.box;
      const side = Math.min(width, height);
      const left = (width - side) / 2;
      small.drawImage(picture, left + x * side, y * side, w * side, h * side, 0, 0, 40, 28);
      const pixels = small.getImageData(0, 0, 40, 28).data;
      // A moving head changes all pixels a little, lips change some of them much.
      const changes = Array.from(pixels, (value, i) => Math.abs(value - (before?.[i] ?? value)));
      before = pixels;
      note(probe.mouth, changes.sort((a, b) => b - a).slice(0, MOST_CHANGED).reduce((sum, x) => sum + x, 0) / MOST_CHANGED);
    }
    requestAnimationFrame(look);
  };
  addEventListener('DOMContentLoaded', look);
})();
