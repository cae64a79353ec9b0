# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of the page: its frame, the overview, tables and controls. Text alone; colours are in ``page_colors``."""

from __future__ import annotations

STYLE = r"""
*, *::before, *::after { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 620; letter-spacing: -0.01em; }
h1 { font-size: 1.25rem; }
h2 { font-size: 1.125rem; }
h3 { font-size: 0.9375rem; }
p { margin: 0; }
a { color: var(--accent); text-underline-offset: 0.2em; }
a:hover { text-decoration-thickness: 2px; }
code, .code { font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus { outline: none; }
[tabindex="-1"]:focus-visible { outline: none; }
:focus-visible:not([tabindex="-1"]), .weeks button:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px;
}
[hidden] { display: none !important; }
.unseen {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; border: 0;
  overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip {
  position: absolute; left: 1rem; top: -4rem; z-index: 20; padding: 0.5rem 1rem; border-radius: 0 0 8px 8px;
  background: var(--accent); color: var(--card);
}
.skip:focus { top: 0; }
.quiet { color: var(--quiet); }
.on-paper { display: none; }

.bar {
  position: sticky; top: 0; z-index: 10; background: var(--card); border-bottom: 1px solid var(--line);
}
.bar > div {
  max-width: 84rem; margin: 0 auto; padding: 0.625rem 1.5rem; display: flex; flex-wrap: wrap;
  align-items: center; gap: 0.25rem 1.5rem;
}
.bar h1 { overflow-wrap: anywhere; }
.bar nav { margin-left: auto; }
.bar nav ul { display: flex; flex-wrap: wrap; gap: 0.125rem; list-style: none; margin: 0; padding: 0; }
.bar nav a {
  display: block; padding: 0.375rem 0.625rem; border-radius: 6px; color: var(--text); text-decoration: none;
}
.bar nav a:hover { background: var(--raised); }
main { max-width: 84rem; margin: 0 auto; padding: 1.5rem 1.5rem 4rem; }
.stack { display: grid; gap: 1.5rem; grid-template-columns: minmax(0, 1fr); }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.5rem; min-width: 0;
}
.card > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; margin-bottom: 1rem; }
.note {
  padding: 0.75rem 1rem; border-radius: 8px; background: var(--warn-soft); color: var(--warn); margin-bottom: 1.5rem;
}

button, input, select { font: inherit; color: inherit; }
button {
  min-height: 2.25rem; padding: 0.375rem 0.875rem; border: 1px solid var(--control); border-radius: 8px;
  background: var(--card); cursor: pointer;
}
button:hover:not(:disabled) { background: var(--raised); }
button:disabled { color: var(--quiet); border-color: var(--line); cursor: default; }
input, select {
  width: 100%; min-height: 2.25rem; padding: 0.25rem 0.625rem; background: var(--card);
  border: 1px solid var(--control); border-radius: 8px;
}
label > span { display: block; font-size: 0.8125rem; color: var(--quiet); margin-bottom: 0.25rem; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; }
.tile {
  display: block; width: 100%; height: 100%; text-align: left; border: 1px solid var(--line); border-radius: 12px;
  background: var(--card); padding: 1rem 1.25rem; color: inherit; text-decoration: none;
}
a.tile:hover { border-color: var(--control); background: var(--card); }
.tile b { display: block; font-size: 1.75rem; line-height: 1.2; font-weight: 620; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); }
.tile.warn b { color: var(--warn); }
.tile.bad b { color: var(--bad); }
.tile.good b { color: var(--good); }

.weeks {
  display: flex; align-items: flex-end; gap: 3px; height: 9rem; padding-bottom: 1.5rem; position: relative;
  border-bottom: 0;
}
.weeks button {
  position: relative; flex: 1 1 0; min-width: 0; min-height: 0; height: 100%; padding: 0; border: 0; border-radius: 4px;
  background: none;
}
.weeks button::before {
  content: ""; position: absolute; left: 0; right: 0; bottom: 0; height: 100%; border-bottom: 1px solid var(--line);
}
.weeks button:hover { background: var(--raised); }
.weeks i {
  position: absolute; left: 0; right: 0; bottom: 0; border-radius: 3px 3px 0 0; background: var(--accent);
}
.weeks .warn i { background: var(--warn); }
.weeks .bad i { background: var(--bad); }
.weeks .rest i { background: var(--plain); }
.weeks small {
  position: absolute; top: 100%; left: 0; padding-top: 0.25rem; color: var(--quiet); font-size: 0.75rem;
  white-space: nowrap; pointer-events: none;
}
.weeks .rest small { left: auto; right: 0; }
.weeks em {
  position: absolute; left: 50%; transform: translateX(-50%); font-style: normal; font-size: 0.75rem;
  line-height: 1.2; font-variant-numeric: tabular-nums; pointer-events: none; padding-bottom: 2px;
}

.filters {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 0.75rem; align-items: end;
  margin-bottom: 1rem;
}
.filters .wide, .filters .pair { grid-column: span 2; }
.filters .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; }
.pager { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; margin-top: 1rem; }

.scroll { overflow-x: auto; margin: 0 -0.5rem; padding: 0 0.5rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.75rem 0.5rem 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th {
  font-size: 0.8125rem; font-weight: 560; color: var(--quiet); border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: bottom;
}
tbody td, tbody th { border-bottom: 1px solid var(--line); font-weight: 400; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:hover > * { background: var(--page); }
td, th, dd, li { unicode-bidi: isolate; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.tight { white-space: nowrap; }
.until { min-width: 9rem; }
.date { white-space: nowrap; font-variant-numeric: tabular-nums; }
.name { overflow-wrap: anywhere; min-width: 10rem; }
.name small, .under { display: block; color: var(--quiet); font-size: 0.8125rem; overflow-wrap: anywhere; }
th button.sort {
  min-height: 0; padding: 0.25rem 0.25rem; margin: 0 -0.25rem; border: 0; background: none; color: inherit;
  font-weight: inherit; white-space: nowrap;
}
th button.sort::after { content: "\2195"; content: "\2195" / ""; opacity: 0.45; margin-left: 0.25rem; }
th[aria-sort=ascending] button.sort::after { content: "\2191"; content: "\2191" / ""; opacity: 1; }
th[aria-sort=descending] button.sort::after { content: "\2193"; content: "\2193" / ""; opacity: 1; }
th[aria-sort] button.sort { color: var(--text); }
.empty { padding: 1rem 0; color: var(--quiet); }
.pill {
  display: inline-block; padding: 0.0625rem 0.5rem; border-radius: 999px; font-size: 0.8125rem; white-space: nowrap;
  background: var(--plain-soft); color: var(--plain);
}
.pill.accent { background: var(--accent-soft); color: var(--accent); }
.pill.good { background: var(--good-soft); color: var(--good); }
.pill.warn { background: var(--warn-soft); color: var(--warn); }
.pill.bad { background: var(--bad-soft); color: var(--bad); }
td.warn, dd.warn { color: var(--warn); }
td.bad, dd.bad { color: var(--bad); }
"""
