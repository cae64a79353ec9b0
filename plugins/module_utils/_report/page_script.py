# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, first part: its data, how elements are made, and words. Text alone.

Whatever comes from the data becomes a text node or the value of an attribute that we name; nothing parses it as markup.
"""

from __future__ import annotations

SCRIPT = r"""
const report = JSON.parse(document.getElementById('data').textContent);
const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);

// Members that are empty are not in the data; these give what stands for them.
const list = (value) => Array.isArray(value) ? value : [];
const text = (value) => value === undefined || value === null ? '' : String(value);

const fill = (node, props, children) => {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== ''));
  return node;
};
const el = (name, props, ...children) => fill(document.createElement(name), props, children);
const svg = (name, props, ...children) => fill(document.createElementNS(SVG, name), props, children);

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number) => String(number).padStart(2, '0');
const day = (iso) => {
  if (!iso) return '';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return String(iso);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
};
const minute = (iso) => {
  if (!iso) return '';
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? String(iso) : `${day(iso)}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
};
// Moments within sentences, as people read them.
const prose = (value) => text(value).replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (iso) => `${minute(iso)} UTC`);
const time = (iso, write) => iso ? el('time', {datetime: iso, title: iso}, (write || day)(iso)) : '';
const count = (number, noun, nouns) => `${number.toLocaleString('en')} ${number === 1 ? noun : nouns || noun + 's'}`;
const words = (value) => text(value).replaceAll('_', ' ');
const first = (value) => value.charAt(0).toUpperCase() + value.slice(1);

const written = new Date(report.generated_at);
const DAY = 86400000;

// Certificates, with what is read off them once.
const pendingOf = new Map();
for (const one of list(report.pending)) {
  const key = text(one.certificate);
  if (!pendingOf.has(key)) pendingOf.set(key, []);
  pendingOf.get(key).push(one);
}
const number = (value) => typeof value === 'number' ? value : null;
const isUsed = (one) => one.state === 'issued' || one.state === 'suspended';
// When what production still serves ends, where that is before the certificate itself, as one that was renewed.
const liveEnd = (one) => {
  const live = text((one.production || {}).not_after);
  return isUsed(one) && live && one.not_after && live < one.not_after ? live : '';
};
const leftOf = (one) => {
  const live = liveEnd(one);
  return live ? Math.floor((new Date(live).getTime() - written.getTime()) / DAY) : number(one.days_left);
};
const statusOf = (one) => {
  if (one.state !== 'issued') return one.state;
  const left = leftOf(one);
  if (left !== null && left < 0) return 'expired';
  return left !== null && left < (one.expiry_warning_days || 0) ? 'expiring' : 'issued';
};
const issuerName = (one) => {
  const found = /(?:^|,)\s*CN=((?:\\.|[^,\\])+)/.exec(text(one.issuer));
  return found ? found[1] : text(one.issuer);
};
const rows = list(report.certificates).map((one) => ({
  one,
  id: text(one.certificate),
  status: statusOf(one),
  left: leftOf(one),
  ends: liveEnd(one) || text(one.not_after),
  networks: list(one.networks).join(', '),
  device: text(one.device),
  group: text(one.group),
  ca: text(one.ca) || issuerName(one),
  work: list(pendingOf.get(text(one.certificate))).map((work) => text(work.label)).join(', '),
  hay: [
    one.certificate, one.common_name, list(one.sans).join(' '), one.issuer, one.serial, one.fingerprint, one.ca,
    one.device, one.data_center, one.group, one.contract_id, one.enrollment_id,
    Object.entries(one.attributes || {}).map(([name, value]) => `${name}=${text(value)}`).join(' '),
  ].map(text).join('\n').toLowerCase(),
}));
const rowOf = new Map(rows.map((row) => [row.id, row]));

const TONES = new Map(Object.entries({
  issued: 'good', completed: 'good', managed: 'good', ok: 'good', monitored: 'accent',
  warning: 'warn', expiring: 'warn',
  expired: 'bad', revoked: 'bad', suspended: 'bad', failed: 'bad', rejected: 'bad', unresolved: 'bad',
  needs_decision: 'warn', in_doubt: 'warn', pending: 'accent', submitted: 'accent', review_in_progress: 'accent',
  approved: 'accent',
  scheduled: 'accent', implementing: 'accent', retrieval_in_progress: 'accent', deploying_staging: 'accent',
  on_staging: 'accent', deploying_production: 'accent',
}));
const tone = (word) => TONES.get(text(word)) || 'plain';
const pill = (word, label) => el('span', {class: `pill ${tone(word)}`}, text(label) || first(words(word)) || 'Unknown');
const linkTo = (id) => `#certificate=${encodeURIComponent(id)}`;
const certificateLink = (id) => rowOf.has(id) || askedRow(id) ? el('a', {href: linkTo(id)}, id) : el('span', {}, id);

// A table with a header for each column; a cell is [content, class]. On a small screen it is shown as a list of cards,
// which takes its meaning from it; the roles give it back.
const table = (label, columns, lines) => el('table', {class: 'cards', role: 'table', 'aria-label': label},
  el('thead', {role: 'rowgroup'}, el('tr', {role: 'row'}, columns.map((column) =>
    el('th', {scope: 'col', role: 'columnheader'}, column)))),
  el('tbody', {role: 'rowgroup'}, lines.map((cells) => el('tr', {role: 'row'}, cells.map(([content, kind], at) => at
    ? el('td', {class: kind, role: 'cell', 'data-label': columns[at]}, content)
    : el('th', {class: kind, role: 'rowheader', scope: 'row'}, content))))));
const say = (sentence) => { byId('said').textContent = sentence; };
"""
