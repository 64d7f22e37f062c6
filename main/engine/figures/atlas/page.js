'use strict';
// One page of an atlas: a grid that draws what comes into view, and a dialog for one unit.
const { units } = JSON.parse(document.getElementById('units').textContent);
const pictures = document.getElementById('pictures').textContent.trim().split('\n');
const grid = document.querySelector('main');
const dialog = document.querySelector('dialog');
const [search, sort] = [document.querySelector('input'), document.querySelector('select')];
const source = (at) => `data:image/webp;base64,${pictures[at]}`;
const number = (value) =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString() : String(+value.toPrecision(3));
const name = ({ unit, label }) => `unit ${unit}${label ? `, ${label}` : ''}`;
const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      const image = new Image();
      image.alt = '';
      image.src = source(target.dataset.at);
      target.querySelector('i')?.replaceWith(image);
    }
  },
  { rootMargin: '800px' },
);
const cells = units.map((each, at) => {
  const cell = document.createElement('button');
  cell.type = 'button';
  cell.className = 'unit';
  cell.dataset.at = at;
  const [box, line, title, value] = ['i', 'span', 'b', 'small'].map((tag) => document.createElement(tag));
  title.textContent = name(each);
  value.textContent = each.top.length ? number(each.top[0].activation) : 'never active';
  line.append(title, value);
  cell.append(box, line);
  cell.addEventListener('click', () => show(at));
  seen.observe(cell);
  return cell;
});
let order = [];
let shown = -1;
function arrange() {
  const strength = (at) => units[at].top[0]?.activation ?? -Infinity;
  const wanted = search.value.trim().toLowerCase();
  const fits = ({ unit, label, top }) =>
    !wanted ||
    String(unit) === wanted ||
    (label ?? '').toLowerCase().includes(wanted) ||
    top.some((tile) => (tile.class ?? '').toLowerCase().includes(wanted));
  order = units.map((_, at) => at).filter((at) => fits(units[at]));
  if (sort.value === 'strength') order.sort((a, b) => strength(b) - strength(a) || a - b);
  grid.replaceChildren(...order.map((at) => cells[at]));
  document.getElementById('count').textContent = `${order.length} of ${units.length} units`;
}
function show(at) {
  shown = at;
  const { top } = units[at];
  dialog.querySelector('h2').textContent = name(units[at]);
  const image = dialog.querySelector('img');
  image.src = source(at);
  image.alt = `Reconstructions and patches of ${name(units[at])}`;
  dialog.querySelector('ol').replaceChildren(
    ...top.map((tile) => {
      const line = document.createElement('li');
      line.textContent = `${tile.file}, ${number(tile.activation)}`;
      return line;
    }),
  );
  if (!dialog.open) dialog.showModal();
}
function step(by) {
  const next = order[order.indexOf(shown) + by];
  if (next !== undefined) show(next);
}
function columns() {
  const top = cells[order[0]]?.offsetTop;
  const next = order.findIndex((at) => cells[at].offsetTop !== top);
  return next < 0 ? order.length : next;
}
function move(by) {
  const at = order.indexOf(cells.indexOf(document.activeElement));
  const next = order[at < 0 ? 0 : at + by];
  if (next === undefined) return;
  cells[next].focus();
  cells[next].scrollIntoView({ block: 'nearest' });
}
function theme() {
  const { dataset } = document.documentElement;
  dataset.theme = dataset.theme === 'dark' ? 'light' : 'dark';
}
document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
search.addEventListener('input', arrange);
sort.addEventListener('change', arrange);
document.querySelector('.tool').addEventListener('click', theme);
dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
dialog.addEventListener('close', () => document.activeElement !== search && cells[shown]?.focus());
addEventListener('keydown', (event) => {
  if (event.target === search || event.target === sort || event.ctrlKey || event.metaKey || event.altKey) {
    if (event.key === 'Escape' && event.target === search) search.blur();
    return;
  }
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[event.key];
  if (dialog.open) {
    if (by !== 1 && by !== -1) return;
    step(by);
  } else if (by) move(by);
  else if (event.key === '/') search.focus();
  else if (event.key === 't') theme();
  else return;
  event.preventDefault();
});
arrange();
