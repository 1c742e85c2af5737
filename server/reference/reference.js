// Shows /openapi.json: one section a tag, one fold an operation.

const spec = await (await fetch('/openapi.json')).json();
const make = (name, text = '', ...children) => {
  const node = document.createElement(name);
  node.textContent = text;
  node.append(...children);
  return node;
};
const named = (schema) => schema?.$ref ? spec.components.schemas[schema.$ref.split('/').pop()] : schema ?? {};
const kind = (schema) => {
  const { type, items, oneOf, additionalProperties } = named(schema);
  if (oneOf) return [...new Set(oneOf.map(kind))].join(' or ');
  if (items) return `${kind(items)}[]`;
  if (additionalProperties) return `map of ${kind(additionalProperties)}`;
  return [type ?? 'any'].flat().filter((name) => name !== 'null').join(' or ');
};

function members(schema) {
  const { properties = {}, required = [] } = named(schema);
  const table = make('table');
  for (const [name, member] of Object.entries(properties)) {
    table.append(make('tr', '', make('td', '', make('code', name)), make('td', kind(member)),
      make('td', required.includes(name) ? 'always' : ''),
      make('td', member.description ?? named(member).description ?? '')));
  }
  return table;
}

function operation(method, path, { summary, description, parameters = [], requestBody, responses }) {
  const fold = make('details', '', make('summary', '', make('b', method.toUpperCase()), make('code', path),
    make('span', summary ?? '')));
  if (description) fold.append(make('p', description));
  if (parameters.length) {
    const table = make('table');
    for (const { name, in: place, required, description: text, schema } of parameters) {
      table.append(make('tr', '', make('td', '', make('code', name)), make('td', `${place}, ${kind(schema)}`),
        make('td', required ? 'always' : ''), make('td', text ?? '')));
    }
    fold.append(make('h4', 'Parameters'), table);
  }
  const body = Object.values(requestBody?.content ?? {})[0];
  if (body) fold.append(make('h4', 'Body'), members(body.schema));
  fold.append(make('h4', 'Answers'));
  for (const [status, answer] of Object.entries(responses)) {
    fold.append(make('p', '', make('code', status), ` ${answer.description}`));
    const [type, content] = Object.entries(answer.content ?? {})[0] ?? [];
    if (type === 'application/json' && Number(status) < 300) fold.append(members(content.schema));
  }
  return fold;
}

const [title, about] = document.querySelectorAll('header h1, header p');
title.textContent = spec.info.title;
about.textContent = spec.info.description;
const sections = new Map();
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, described] of Object.entries(methods)) {
    const tag = described.tags?.[0] ?? 'Others';
    if (!sections.has(tag)) sections.set(tag, make('section', '', make('h2', tag)));
    sections.get(tag).append(operation(method, path, described));
  }
}
document.querySelector('main').append(...sections.values());
