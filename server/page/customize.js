// What the page's address may change: theme, colour, what is shown, texts. docs/run.md lists the names.

const MOST_QUESTIONS = 6;

/** `wanted`: the address's query; `hint` takes the welcome, `list` the questions; `ask` says one that is clicked. */
export function customize(wanted, hint, list, ask) {
  const root = document.documentElement;
  const theme = wanted.get('theme') ?? wanted.get('embed_theme');
  if (['light', 'dark'].includes(theme)) root.dataset.theme = theme;
  if (wanted.get('log') === 'off' || wanted.get('chat_mode') === 'voice') root.dataset.quiet = '';
  paint(root.style, wanted.get('theme_color') ?? '');
  const greeting = wanted.get('welcomeMsg');
  if (greeting) hint.textContent = greeting;
  for (const question of questions(wanted.get('suggestedQuestions'))) {
    const button = document.createElement('button');
    button.textContent = question;
    button.onclick = () => ask(question);
    list.append(button);
  }
}

/** The accent, and black or white upon it, whichever can be read. */
function paint(style, colour) {
  const hex = /^#?([0-9a-f]{6})$/i.exec(colour)?.[1];
  if (!hex) return;
  const [r, g, b] = [0, 2, 4].map(at => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2);
  style.setProperty('--accent', `#${hex}`);
  // Relative luminance; at 0.18 black and white have the same contrast (WCAG).
  style.setProperty('--on-accent', 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? '#000000' : '#ffffff');
}

/** The texts of a JSON array; none where it is no such thing. */
function questions(json) {
  try {
    const list = JSON.parse(json ?? '[]');
    return Array.isArray(list) ? list.filter(item => typeof item === 'string' && item.trim()).slice(0, MOST_QUESTIONS) : [];
  } catch {
    return [];
  }
}
