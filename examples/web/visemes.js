// A guess at the visemes of a text, for voices whose sound can't be had: those of speechSynthesis.

const LETTERS = {
  a: "aa", b: "PP", c: "kk", d: "DD", e: "E", f: "FF", g: "kk", h: "kk", i: "ih", j: "CH", k: "kk",
  l: "nn", m: "PP", n: "nn", o: "oh", p: "PP", q: "kk", r: "RR", s: "SS", t: "DD", u: "ou", v: "FF",
  w: "ou", x: "SS", y: "ih", z: "SS",
};
const PAIRS = { th: "TH", sh: "CH", ch: "CH", ee: "ih", oo: "ou", ph: "FF", ng: "nn" };
/** Seconds of a sound at the usual pace of voices. */
const SOUND_S = 0.068;

/** Visemes of `text`, one after the other from `start` seconds on. */
export function visemesOf(text, start = 0) {
  const visemes = [];
  let at = start;
  const add = (symbol, seconds) => {
    visemes.push({ symbol, start: at });
    at += seconds;
  };
  const plain = text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  for (let i = 0; i < plain.length; i++) {
    const pair = PAIRS[plain.slice(i, i + 2)];
    if (pair !== undefined) {
      add(pair, SOUND_S * 1.3);
      i++;
    } else if (LETTERS[plain[i]] !== undefined) {
      add(LETTERS[plain[i]], SOUND_S);
    } else if (/[.,;:!?]/.test(plain[i])) {
      add("sil", 0.3);
    }
  }
  visemes.push({ symbol: "sil", start: at, end: at + 0.1 });
  return visemes;
}
