// The console: agents, work, usage and webhooks by the server's own REST interface.

const $ = id => document.getElementById(id);
const PAGE = 24;
let key = sessionStorage.getItem('api-secret') ?? 'local';
let shown = PAGE;
// Pages that were left stop asking.
let visit = 0;

/** An element with properties and children; text stays text. */
function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property in element) element[property] = value;
    else element.setAttribute(property, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

class Refused extends Error {}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { 'api-secret': key, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  if (answer.status === 401) askForKey(true);
  throw new Refused(said.error?.message ?? `the server answers ${answer.status}`);
}

let toastTimer;
function toast(text) {
  const place = document.querySelector('dialog[open]') ?? document.body;
  place.append($('toast'));
  $('toast').textContent = text;
  $('toast').hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $('toast').hidden = true; }, 5000);
}

/** Does what a button is for, once at a time, and says what went wrong. */
async function busy(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error instanceof Refused ? error.message : `That did not work: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

const pause = ms => new Promise(done => setTimeout(done, ms));
const when = text => (text ? new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '');
const going = agent => !['ready', 'success', 'failed'].includes(agent.status);
// Only pictures, films and sounds of http are shown.
const media = url => (/^(https?:|\/)/.test(url ?? '') ? url : '');

// The key.

function askForKey(wrong) {
  $('key-error').hidden = !wrong || !sessionStorage.getItem('api-secret');
  $('key-error').textContent = 'The server does not know this key.';
  if (!$('key-dialog').open) $('key-dialog').showModal();
}
$('account').addEventListener('click', () => askForKey(false));
$('key-form').addEventListener('submit', () => {
  key = $('key').value.trim();
  sessionStorage.setItem('api-secret', key);
  $('key').value = '';
  show();
});

// Agents.

function card(agent) {
  const code = agent.code ?? agent.agent_id;
  return el('a', { className: 'card agent', href: `#agent/${encodeURIComponent(code)}` },
    face(agent),
    el('div', { className: 'about' },
      el('b', {}, agent.name || code),
      el('code', {}, code),
      el('span', { className: 'chip', 'data-status': agent.status }, going(agent) ? agent.progress_msg || 'being made' : agent.status),
      going(agent) ? el('progress', { max: 1, value: agent.progress ?? 0 }) : null));
}

function face(agent) {
  const source = media(agent.image_url);
  return source ? el('img', { className: 'face', src: source, alt: '', loading: 'lazy' }) : el('span', { className: 'face' });
}

async function agents(mine) {
  while (mine === visit) {
    const all = [];
    let more = true;
    while (more && all.length < shown) {
      const page = await ask('GET', `/v1/agents?limit=${PAGE}&offset=${all.length}`);
      all.push(...page.data);
      more = page.pagination.has_more;
    }
    if (mine !== visit) return;
    $('agents').replaceChildren(...all.map(card));
    $('none').hidden = all.length > 0;
    $('more').hidden = !more;
    if (!all.some(going)) return;
    await pause(1500);
  }
}
$('more').addEventListener('click', () => { shown += PAGE; show(); });

let picture = null;
function choose(file) {
  if (!file?.type.startsWith('image/')) return toast('That is no picture.');
  picture = file;
  $('preview').src = URL.createObjectURL(file);
  $('preview').hidden = false;
  $('drop-text').hidden = true;
}
$('picture').addEventListener('change', event => event.target.files[0] && choose(event.target.files[0]));
$('drop').addEventListener('keydown', event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); $('picture').click(); } });
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  $('drop').addEventListener(kind, event => {
    event.preventDefault();
    $('drop').classList.toggle('over', kind === 'dragenter' || kind === 'dragover');
    if (kind === 'drop') choose(event.dataTransfer.files[0]);
  });
}

const base64 = file => new Promise((done, fail) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
  reader.onerror = () => fail(reader.error);
  reader.readAsDataURL(file);
});

$('make').addEventListener('submit', event => {
  event.preventDefault();
  busy(event.submitter, async () => {
    const body = { model: $('model').value };
    if ($('prompt').value.trim()) body.prompt = $('prompt').value.trim();
    if (picture) {
      const file = { file_data: await base64(picture), file_name: picture.name, file_type: 'image' };
      body.image = (await ask('POST', '/v1/files/upload', file)).data.file_url;
    }
    await ask('POST', '/v1/agent/generate', body);
    picture = null;
    $('make').reset();
    $('preview').hidden = true;
    $('drop-text').hidden = false;
    show();
  });
});

// One agent.

async function agent(mine, code) {
  const path = `/v1/agent/${encodeURIComponent(code)}`;
  let data = (await ask('GET', path)).data;
  const draw = () => $('page-agent').replaceChildren(el('div', { className: 'two' }, portrait(data, code, path), el('div', { className: 'stack' }, ...tools(data, code, path))));
  while (mine === visit && going(data)) {
    draw();
    await pause(1000);
    data = (await ask('GET', path)).data;
  }
  if (mine === visit) draw();
}

function portrait(data, code, path) {
  const remove = el('button', { className: 'danger' }, 'Delete');
  remove.addEventListener('click', () => {
    if (!remove.dataset.sure) {
      remove.dataset.sure = 'yes';
      remove.textContent = 'Delete for good?';
      return;
    }
    busy(remove, async () => {
      await ask('DELETE', path);
      location.hash = 'agents';
    });
  });
  return el('div', { className: 'card stack' },
    face(data), el('h2', {}, data.name || code), el('code', {}, code),
    el('span', { className: 'chip', 'data-status': data.status }, going(data) ? data.progress_msg || 'being made' : data.status),
    going(data) ? el('progress', { max: 1, value: data.progress ?? 0 }) : null,
    data.status === 'failed' ? el('p', { className: 'error' }, data.error_message || 'It could not be made.') : null,
    el('small', {}, `${(data.supported_models ?? []).join(', ') || data.model || ''} · ${when(data.created_at)}`), remove);
}

function tools(data, code, path) {
  const prompt = el('textarea', { rows: 4, maxLength: 20000, value: data.system_prompt ?? '' });
  const parts = [panel('Prompt', prompt, ['Save', () => ask('POST', path, { system_prompt: prompt.value }).then(() => toast('Saved.'))])];
  if (going(data) || data.status === 'failed') return parts;
  const said = el('input', { maxLength: 5000, placeholder: 'Something to say in its conversations' });
  const text = el('textarea', { rows: 3, maxLength: 5000, placeholder: 'Good morning! This is what I look like when I talk.' });
  const result = el('div', { className: 'stack' });
  const models = (data.supported_models ?? []).filter(model => ['expression-2', 'essence-2-light', 'essence-2-quality'].includes(model));
  return [
    panel('Talk', el('p', { className: 'hint' }, 'Opens a conversation. Another site embeds it by an address with a token of its own, which lasts an hour.'),
      ['Talk', () => talk(code)], ['Copy an address', () => token(code).then(url => navigator.clipboard.writeText(url)).then(() => toast('Copied.'))]),
    panel('Speak', said, ['Speak', async () => {
      const { delivered_to_rooms: rooms } = await ask('POST', `${path}/speak`, { message: said.value });
      toast(`Spoken in ${rooms} conversation${rooms === 1 ? '' : 's'}.`);
    }]),
    panel('Video', text, result, ['Render', () => video(code, models[0] ?? 'expression-2', text.value, result)]),
    ...parts,
  ];
}

function panel(title, ...rest) {
  const body = rest.filter(part => !Array.isArray(part));
  const buttons = rest.filter(Array.isArray).map(([name, work], i) => {
    const button = el('button', { className: i ? '' : 'primary' }, name);
    button.addEventListener('click', () => busy(button, work));
    return button;
  });
  return el('div', { className: 'card stack' }, el('h3', {}, title), ...body, el('div', { className: 'row' }, ...buttons));
}

async function token(code) {
  const fingerprint = [...crypto.getRandomValues(new Uint8Array(10))].map(b => b.toString(16).padStart(2, '0')).join('');
  const made = await ask('POST', '/v1/embed-tokens/request', { agent_id: code, fingerprint });
  return `${location.origin}/embed/${encodeURIComponent(code)}?token=${encodeURIComponent(made.data.token)}`;
}

async function talk(code) {
  const frame = el('iframe', { src: await token(code), allow: 'microphone; autoplay; fullscreen', title: 'Conversation' });
  $('talk').append(frame);
  $('talk').showModal();
  $('talk').addEventListener('close', () => frame.remove(), { once: true });
}
$('talk-close').addEventListener('click', () => $('talk').close());

async function video(code, model, text, result) {
  const input = { type: 'text', text: text || 'Good morning! This is what I look like when I talk.' };
  let state = await ask('POST', '/v1/video/generate', { model, agent_code: code, input });
  result.replaceChildren(el('p', { className: 'hint' }, 'Rendering…'));
  while (state.status === 'processing' && result.isConnected) {
    await pause(700);
    state = await ask('GET', `/v1/video/${encodeURIComponent(state.job_id)}`);
  }
  const shows = state.status === 'completed' && media(state.video_url);
  result.replaceChildren(shows
    ? el('video', { src: shows, controls: true, autoplay: true, playsInline: true })
    : el('p', { className: 'error' }, state.error?.message ?? 'The video failed.'));
}

// Work: conversations and jobs.

const chip = status => el('span', { className: 'chip', 'data-status': status }, status);
const agentLink = code => el('a', { href: `#agent/${encodeURIComponent(code)}` }, code);

function small(name, work) {
  const button = el('button', { className: 'quiet' }, name);
  button.addEventListener('click', () => busy(button, work));
  return button;
}

async function work(mine) {
  $('transcript').hidden = true;
  while (mine === visit) {
    const [sessions, jobs] = [(await ask('GET', '/v2/me/runtime-sessions?window=recent')).data.sessions, (await ask('GET', '/v1/jobs?limit=50')).data];
    if (mine !== visit) return;
    $('sessions').replaceChildren(...sessions.map(session => {
      const path = `/v2/me/runtime-sessions/${encodeURIComponent(session.id)}`;
      return el('tr', {}, el('td', {}, when(session.started)), el('td', {}, agentLink(session.agent_code)), el('td', {}, session.room_name),
        el('td', { className: 'number' }, session.minutes.toFixed(1)), el('td', {}, chip(session.status)),
        el('td', {}, session.has_transcript ? small('Read', () => transcript(path, session)) : null,
          session.status === 'live' ? small('End', () => ask('POST', `${path}/terminate`).then(() => toast('It ends.'))) : null));
    }));
    if (!sessions.length) $('sessions').append(el('tr', {}, el('td', { colSpan: 6 }, 'Nobody has talked to an agent today.')));
    $('jobs').replaceChildren(...jobs.map(job => el('tr', {},
      el('td', {}, when(job.created_at)), el('td', {}, job.kind), el('td', {}, agentLink(job.agent_code)),
      el('td', { title: job.error ?? '' }, chip(job.status), job.error ? el('small', {}, ` ${job.error}`) : null),
      el('td', {}, job.status === 'processing' ? small('Cancel', () => ask('POST', `/v1/jobs/${encodeURIComponent(job.job_id)}/cancel`).then(() => toast('Cancelled.'))) : null))));
    if (!jobs.length) $('jobs').append(el('tr', {}, el('td', { colSpan: 5 }, 'Nothing yet.')));
    await pause(2000);
  }
}

async function transcript(path, session) {
  const { messages } = (await ask('GET', `${path}/messages`)).data;
  $('transcript').replaceChildren(el('h3', {}, `${session.agent_name}, ${when(session.started)}`),
    ...messages.map(({ role, message }) => el('p', {}, el('b', {}, role === 'user' ? 'Visitor: ' : `${session.agent_name}: `), message)));
  if (!messages.length) $('transcript').append(el('p', { className: 'hint' }, 'Nothing was said yet.'));
  $('transcript').hidden = false;
}

// Usage.

async function usage() {
  const [me, rows] = [(await ask('GET', '/v1/me')).data, (await ask('GET', '/v1/usage?limit=100')).data];
  const figure = (name, value) => el('div', {}, el('b', {}, String(value)), el('small', {}, name));
  const used = rows.reduce((sum, row) => sum + (row.credits_change ?? 0), 0);
  $('account-card').replaceChildren(figure('credits left', me.credit_balance.toLocaleString()), figure('credits of the events below', used.toLocaleString()), figure('plan', me.plan));
  $('events').replaceChildren(...rows.map(row => el('tr', {},
    el('td', {}, when(row.created_at)),
    el('td', {}, row.agent_code ? el('a', { href: `#agent/${encodeURIComponent(row.agent_code)}` }, row.agent_code) : ''),
    el('td', { className: 'number' }, String(row.credits_change ?? 0)), el('td', {}, row.activity_type ?? ''))));
  if (!rows.length) $('events').append(el('tr', {}, el('td', { colSpan: 4 }, 'Nothing yet.')));
}

// Webhooks.

async function webhooks() {
  const hooks = (await ask('GET', '/v1/webhooks')).data;
  $('hooks').replaceChildren(...hooks.map(hook => {
    const path = `/v1/webhooks/${encodeURIComponent(hook.id)}`;
    const log = el('div', { className: 'stack' });
    return el('div', { className: 'stack' }, panel(hook.url,
      el('small', {}, `${hook.events?.length ? hook.events.join(', ') : 'all events'} · since ${when(hook.created_at)}`), log,
      ['Test', async () => {
        const { delivered, status_code: status } = (await ask('POST', `${path}/test`, {})).data;
        toast(delivered ? `Delivered, answered ${status}.` : 'Not delivered.');
      }],
      ['Deliveries', async () => {
        const rows = (await ask('GET', `${path}/deliveries`)).data;
        log.replaceChildren(...rows.slice(0, 20).map(row => el('small', {}, `${when(row.created_at)} · ${row.event_type} · ${row.delivered ? 'delivered' : 'not delivered'} (${row.attempts})`)));
        if (!rows.length) log.append(el('small', {}, 'None yet.'));
      }],
      ['Delete', async () => {
        await ask('DELETE', path);
        show();
      }]));
  }));
}
$('hook').addEventListener('submit', event => {
  event.preventDefault();
  busy(event.submitter, async () => {
    const made = (await ask('POST', '/v1/webhooks', { url: $('hook-url').value, events: [] })).data;
    $('hook-secret').replaceChildren('Its secret, shown only now: ', el('code', {}, made.secret));
    $('hook-secret').hidden = false;
    $('hook-url').value = '';
    show();
  });
});

// Pages.

async function show() {
  const mine = ++visit;
  const [page, code] = (location.hash.slice(1) || 'agents').split('/');
  const pages = { agents, agent, work, usage, webhooks };
  const name = pages[page] ? page : 'agents';
  for (const other of Object.keys(pages)) $(`page-${other}`).hidden = other !== name;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${name === 'agent' ? 'agents' : name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (name === 'agent') $('page-agent').replaceChildren();
  try {
    await pages[name](mine, decodeURIComponent(code ?? ''));
  } catch (error) {
    if (mine === visit) toast(error instanceof Refused ? error.message : 'The server does not answer.');
  }
}
addEventListener('hashchange', show);
show();
