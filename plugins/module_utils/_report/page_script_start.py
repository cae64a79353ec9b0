# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, last part: addresses within the page, light and dark, paper, and the start. Text alone."""

from __future__ import annotations

SCRIPT = r"""
const CERTIFICATE = '#certificate=';
const decode = (value) => { try { return decodeURIComponent(value); } catch (error) { return value; } };
let opened = '';

const route = () => {
  const hash = location.hash;
  const before = opened;
  opened = hash.startsWith(CERTIFICATE) ? decode(hash.slice(CERTIFICATE.length)) : '';
  byId('all').hidden = opened !== '';
  byId('one').hidden = opened === '';
  if (opened) {
    const row = rowOf.get(opened) || askedRow(opened);
    const heading = row ? drawOne(row) : drawMissing(opened);
    document.title = `${opened} \u2013 ${report.title}`;
    scrollTo(0, 0);
    heading.focus({preventScroll: true});
    return;
  }
  document.title = report.title;
  byId('one').replaceChildren();
  const [section, query] = hash.slice(1).split(/\?(.*)/s);
  if (section === 'certificates' && query) {
    const asked = new URLSearchParams(query);
    for (const name of FILTERS) field(name).value = asked.get(name) || '';
    draw();
  }
  const links = before ? [...byId('rows').querySelectorAll('a')] : [];
  const back = links.find((link) => link.getAttribute('href') === linkTo(before));
  if (back) { back.scrollIntoView({block: 'center'}); back.focus({preventScroll: true}); return; }
  const target = byId(section);
  if (target && target.tagName === 'SECTION') target.scrollIntoView();
};

const THEMES = ['auto', 'light', 'dark'];
const NAMES = {auto: 'auto', light: 'light', dark: 'dark'};
// A file, or a browser that keeps nothing, has no storage; the choice then lasts as long as the page is open.
const stored = (value) => {
  try {
    if (value === undefined) return localStorage.getItem('edgecert-theme');
    localStorage.setItem('edgecert-theme', value);
  } catch (error) { if (!(error instanceof DOMException)) throw error; }
  return value;
};
const useTheme = (theme) => {
  const known = THEMES.includes(theme) ? theme : 'auto';
  document.documentElement.dataset.theme = known;
  byId('theme').textContent = `Colours: ${NAMES[known]}`;
};
const startTheme = () => {
  useTheme(stored());
  byId('theme').addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
    useTheme(next);
    stored(next);
  });
};

// On paper stand all rows that fit, and with an opened certificate those of the filters that are set.
const startPaper = () => {
  addEventListener('beforeprint', () => {
    byId('all').classList.toggle('print-too', opened !== '' && isFiltered());
    drawHead(true);
    if (!opened || isFiltered()) drawRows(true);
  });
  addEventListener('afterprint', () => {
    byId('all').classList.remove('print-too');
    drawHead();
    drawRows();
  });
};

const inWords = (value) => Array.isArray(value) ? value.join(', ')
  : typeof value === 'object' ? JSON.stringify(value) : text(value);
const start = () => {
  byId('title').textContent = report.title;
  const asked = Object.entries(report.filters || {}).map(([name, value]) => `${words(name)} ${inWords(value)}`);
  byId('moment').append('As of ', time(report.generated_at, minute), ' UTC',
    asked.length ? ` \u00b7 only ${asked.join(', ')}` : '');
  const age = Math.floor((Date.now() - written.getTime()) / DAY);
  byId('stale').hidden = age < 2;
  byId('stale').textContent = `This page was written ${age} days ago; what it says and counts is of then.`;
  startTheme();
  startTable();
  drawTiles();
  drawWeeks();
  drawWork();
  drawDevices();
  draw();
  startPaper();
  byId('skip').addEventListener('click', (event) => { event.preventDefault(); byId('main').focus(); });
  addEventListener('hashchange', route);
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && opened && !event.defaultPrevented) location.hash = '#certificates';
  });
  route();
};
start();
"""
