# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, second part: the table of certificates with filters, sorting and pages. Text alone.

No more than a page of rows is in the document, so that ten thousand certificates cost what a hundred do. On paper stand
all rows that fit the filters, up to a number that browsers can print.
"""

from __future__ import annotations

SCRIPT = r"""
const PAGE = 100;
// Browsers take minutes to lay out more on paper.
const MOST_ON_PAPER = 2000;
const COLUMNS = [
  {key: 'id', label: 'Certificate'},
  {key: 'status', label: 'State'},
  {key: 'left', label: 'Days left', kind: 'number'},
  {key: 'ends', label: 'Expires'},
  {key: 'networks', label: 'Networks'},
  {key: 'device', label: 'Device'},
  {key: 'group', label: 'Group'},
  {key: 'ca', label: 'CA'},
  {key: 'work', label: 'Open work'},
];
const FILTERS = ['text', 'state', 'device', 'group', 'ca', 'network', 'from', 'to'];
const view = {sort: 'left', down: false, page: 0, shown: rows, order: 0};

const field = (name) => byId(`f-${name}`);
const wanted = () => Object.fromEntries(FILTERS.map((name) => [name, field(name).value.trim()]));
const bound = (value) => value === '' || Number.isNaN(Number(value)) ? null : Number(value);

const fits = (want) => {
  const parts = want.text.toLowerCase().split(/\s+/).filter(Boolean);
  const from = bound(want.from), to = bound(want.to);
  return (row) => (
    parts.every((part) => row.hay.includes(part))
    && (!want.state || row.status === want.state || row.one.state === want.state)
    && (!want.device || row.device === want.device)
    && (!want.group || row.group === want.group)
    && (!want.ca || row.ca === want.ca)
    && (!want.network || (want.network === 'none' ? !row.networks : list(row.one.networks).includes(want.network)))
    && (from === null || (row.left !== null && row.left >= from))
    && (to === null || (row.left !== null && row.left <= to))
  );
};

// Empty cells come last whichever way is sorted; equal ones by name.
const compare = (key, down) => (a, b) => {
  const x = a[key], y = b[key];
  const noX = x === null || x === '', noY = y === null || y === '';
  if (noX !== noY) return noX ? 1 : -1;
  if (x !== y) return (x < y ? -1 : 1) * (down ? -1 : 1);
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
};

const rowElement = (row) => {
  const one = row.one;
  const common = text(one.common_name);
  const more = (one.san_count || 0) > 1 ? `${count(one.san_count, 'name')}` : '';
  const before = liveEnd(one) && 'production serves the one before';
  const under = [common !== row.id && common, more, before].filter(Boolean).join(' \u00b7 ');
  const late = row.status === 'expired' ? 'bad' : row.status === 'expiring' ? 'warn' : '';
  const cell = (label, content, kind) => el('td', {role: 'cell', 'data-label': label, class: kind}, content);
  // Short words stay whole; long ones of others may break anywhere.
  const word = (label, value) => cell(label, value, value.length <= 20 ? 'tight' : 'name');
  return el('tr', {role: 'row'},
    el('th', {scope: 'row', role: 'rowheader', class: 'name'},
      el('a', {href: linkTo(row.id)}, row.id), under && el('small', {}, under)),
    cell('State', pill(row.status)),
    cell('Days left', row.left === null ? '' : String(row.left), `number ${late}`),
    cell('Expires', time(row.ends), 'date'),
    word('Networks', row.networks),
    word('Device', row.device),
    word('Group', row.group),
    word('CA', row.ca),
    cell('Open work', row.work));
};

const pages = () => Math.max(1, Math.ceil(view.shown.length / PAGE));
const drawRows = (all) => {
  const begin = all ? 0 : view.page * PAGE;
  const part = view.shown.slice(begin, begin + (all ? MOST_ON_PAPER : PAGE));
  byId('rows').replaceChildren(...part.map(rowElement));
  byId('none').hidden = view.shown.length > 0;
  byId('table').hidden = view.shown.length === 0;
};
const turn = (page, label) => el('button', {
  type: 'button', disabled: page < 0 || page >= pages(),
  onclick: () => {
    view.page = page;
    drawRows();
    drawPager();
    byId('certificates').scrollIntoView();
    byId('where').focus();
  },
}, label);
const drawPager = () => {
  const begin = view.page * PAGE, end = Math.min(begin + PAGE, view.shown.length);
  const [low, high, all] = [begin + 1, end, view.shown.length].map((each) => each.toLocaleString('en'));
  byId('pager').hidden = view.shown.length <= PAGE;
  byId('pager').replaceChildren(
    turn(view.page - 1, 'Previous'),
    el('span', {id: 'where', tabindex: '-1'}, `${low}\u2013${high} of ${all}`),
    turn(view.page + 1, 'Next'));
};

// A header of plain words repeats on each sheet of paper; one of buttons does not.
const drawHead = (onPaper) => {
  byId('head').replaceChildren(...COLUMNS.map((column) => el('th', {
    scope: 'col', role: 'columnheader', class: column.kind,
    'aria-sort': view.sort === column.key && (view.down ? 'descending' : 'ascending'),
  }, onPaper ? column.label : el('button', {
    type: 'button', class: 'sort', 'data-key': column.key, onclick: () => sortBy(column.key),
  }, column.label))));
};
const sortBy = (key) => {
  view.down = view.sort === key && !view.down;
  view.sort = key;
  drawHead();
  byId('head').querySelector(`[data-key=${key}]`).focus();
  draw();
  const column = COLUMNS.find((each) => each.key === key);
  say(`Sorted by ${column.label}, ${view.down ? 'descending' : 'ascending'}`);
};

const isFiltered = () => Object.values(wanted()).some(Boolean);
const askedWords = (want) => {
  const named = {text: 'text', state: 'state', device: 'device', group: 'group', ca: 'CA', network: 'network',
    from: 'days left from', to: 'days left to'};
  return FILTERS.filter((name) => want[name]).map((name) => `${named[name]} ${want[name]}`).join(', ');
};
const draw = () => {
  const want = wanted();
  view.shown = rows.filter(fits(want)).sort(compare(view.sort, view.down));
  view.page = 0;
  drawRows();
  drawPager();
  const shown = view.shown.length.toLocaleString('en'), total = count(rows.length, 'certificate');
  byId('count').textContent = isFiltered() ? `${shown} of ${total}` : total;
  byId('asked').textContent = [
    isFiltered() ? `Filtered by ${askedWords(want)}.` : '',
    view.shown.length > MOST_ON_PAPER
      ? `The first ${MOST_ON_PAPER.toLocaleString('en')} are printed; set filters to print the others.` : '',
  ].filter(Boolean).join(' ');
  byId('reset').disabled = !isFiltered();
};

const choices = (name, label, values) => {
  const options = values.map((value) => Array.isArray(value) ? value : [value, value]);
  field(name).replaceChildren(
    el('option', {value: ''}, label), ...options.map(([value, shown]) => el('option', {value}, shown)));
};
const known = (key) => [...new Set(rows.map((row) => row[key]).filter(Boolean))].sort();
const states = () => {
  const found = new Set(rows.flatMap((row) => [row.status, row.one.state]));
  return ['expired', 'expiring', 'issued', 'pending', 'revoked', 'superseded', 'vanished']
    .filter((state) => found.has(state)).map((state) => [state, first(state)]);
};
const startTable = () => {
  choices('state', 'Any', states());
  choices('device', 'Any', known('device'));
  choices('group', 'Any', known('group'));
  choices('ca', 'Any', known('ca'));
  choices('network', 'Any', [['staging', 'Staging'], ['production', 'Production'], ['none', 'None']]);
  byId('filters').addEventListener('input', () => { draw(); keepFilters(); });
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  byId('filters').addEventListener('reset', () => setTimeout(() => { draw(); keepFilters(); field('text').focus(); }));
  drawHead();
};

// Sets the filters that are named, clears the rest, and goes to the table.
const filterBy = (want) => {
  for (const name of FILTERS) field(name).value = text(want[name]);
  draw();
  keepFilters();
  byId('certificates').scrollIntoView();
  field('text').focus({preventScroll: true});
};
const keepFilters = () => {
  const set = Object.entries(wanted()).filter(([, value]) => value);
  const hash = set.length ? `#certificates?${new URLSearchParams(set)}` : '#certificates';
  // Some browsers keep no history of a file.
  try { history.replaceState(null, '', hash); } catch (error) { if (!(error instanceof DOMException)) throw error; }
};
"""
