// A static server for the tests: ranges, a throttled line, a second origin, a strict policy. Says its ports in
// one line of JSON and ends with its standard input.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";

const root = process.argv[2] ?? process.cwd();
const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
let cdn = "";
/** Requests by path, for the tests to ask. */
const asked = {};

const STRICT = {
  own: () =>
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; frame-src 'self'",
  cdn: () =>
    `default-src 'none'; script-src 'self' ${cdn} 'wasm-unsafe-eval'; worker-src 'self' blob: ${cdn}; connect-src 'self' ${cdn}`,
  forbidden: () => "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'",
};

function serve(other) {
  return (request, response) => {
    const url = new URL(request.url, "http://here");
    const headers = { "cache-control": "no-cache" };
    if (other) {
      headers["access-control-allow-origin"] = "*";
      headers["access-control-allow-headers"] = "range";
      headers["cross-origin-resource-policy"] = "cross-origin";
      if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
    }
    if (url.pathname === "/asked") {
      return response.writeHead(200, headers).end(JSON.stringify(asked));
    }
    const path = normalize(join(root, decodeURIComponent(url.pathname)));
    let size;
    try {
      if (!path.startsWith(root + sep)) throw new Error("outside");
      const file = statSync(path);
      if (!file.isFile()) throw new Error("no file");
      size = Math.min(file.size, Number(url.searchParams.get("cut") ?? Infinity));
    } catch {
      return response.writeHead(404, headers).end("there is no such file");
    }
    asked[url.pathname] = (asked[url.pathname] ?? 0) + 1;
    headers["content-type"] = TYPES[extname(path)] ?? "application/octet-stream";
    headers["etag"] = `"${size}"`;
    // All that a page loads has its policy: of workers it is their script's that counts.
    const page = new URL(request.headers.referer ?? "http://nobody");
    const policy = STRICT[url.searchParams.get("policy") ?? page.searchParams.get("policy")];
    if (policy !== undefined) headers["content-security-policy"] = policy();
    let [begin, end, status] = [0, size, 200];
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (range !== null && !url.searchParams.has("whole")) {
      begin = Number(range[1]);
      end = Math.min(size, range[2] === "" ? size : Number(range[2]) + 1);
      if (begin >= size) {
        headers["content-range"] = `bytes */${size}`;
        return response.writeHead(416, headers).end();
      }
      status = 206;
      headers["content-range"] = `bytes ${begin}-${end - 1}/${size}`;
    }
    headers["content-length"] = end - begin;
    response.writeHead(status, headers);
    if (request.method === "HEAD" || begin === end) return response.end();
    const file = createReadStream(path, { start: begin, end: end - 1, highWaterMark: 1 << 14 });
    const rate = Number(url.searchParams.get("rate") ?? Infinity);
    if (rate === Infinity) return file.pipe(response);
    void throttled(file, response, rate);
  };
}

/** All responses together have one line, of so many bytes a second; what a late timer missed is made up for. */
const BURST_MS = 50;
let free = 0;
async function throttled(file, response, rate) {
  for await (const bytes of file) {
    const now = performance.now();
    free = Math.max(free, now - BURST_MS) + (1000 * bytes.length) / rate;
    if (free > now) await new Promise((done) => setTimeout(done, free - now));
    if (response.destroyed) return;
    response.write(bytes);
  }
  response.end();
}

function listen(other) {
  const server = createServer(serve(other));
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

const [own, second] = [await listen(false), await listen(true)];
const address = (server) => `http://127.0.0.1:${server.address().port}`;
cdn = address(second);
console.log(JSON.stringify({ own: address(own), cdn }));
process.stdin.resume();
process.stdin.on("data", (text) => {
  // «stop» leaves the pages without a network.
  if (String(text).includes("stop")) {
    for (const server of [own, second]) {
      server.close();
      server.closeAllConnections();
    }
    console.log("stopped");
  }
});
process.stdin.on("end", () => process.exit(0));
