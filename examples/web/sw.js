// Keeps the page for when there is no network; avatars are kept by the package itself.
const CACHE = "libessence-demo-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const own = new URL(request.url).origin === location.origin;
  if (!own || request.method !== "GET" || request.url.includes(".imx")) return;
  event.respondWith(answer(request));
});

/** The network's answer while there is one, else the one from before. */
async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
    if (kept === undefined) throw error;
    return kept;
  }
}
