# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of one certificate's view, of its topology, of small screens and of paper. Text alone."""

from __future__ import annotations

STYLE = r"""
.lead { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 0.75rem; margin-bottom: 1.5rem; }
.lead h2 { font-size: 1.375rem; overflow-wrap: anywhere; }
.lead a.back { flex-basis: 100%; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.5rem 2rem; }
.facts h3 { margin-bottom: 0.5rem; }
dl { display: grid; grid-template-columns: fit-content(9rem) minmax(0, 1fr); gap: 0.25rem 1rem; margin: 0; }
dt { color: var(--quiet); overflow-wrap: anywhere; }
dd { margin: 0; overflow-wrap: anywhere; }
ul.names { columns: 16rem; column-gap: 2rem; margin: 0; padding: 0; list-style: none; }
ul.names li { overflow-wrap: anywhere; break-inside: avoid; padding: 0.0625rem 0; }
details > summary { cursor: pointer; padding: 0.125rem 0; border-radius: 4px; }
details[open] > summary { margin-bottom: 0.5rem; }
details ol, details ul { margin: 0; padding-left: 1.25rem; }

.drawing { overflow-x: auto; border-radius: 8px; }
.drawing svg { display: block; width: 100%; min-width: 52rem; height: auto; }
.drawing text { fill: var(--text); font-size: 13px; }
.drawing .head { fill: var(--quiet); font-size: 12px; }
.drawing .strong { font-weight: 620; }
.drawing .dim { fill: var(--quiet); font-size: 12px; }
.drawing .box { fill: var(--card); stroke: var(--control); stroke-width: 1; }
.drawing .box.main { fill: var(--accent-soft); stroke: var(--accent); }
.drawing .box.none { fill: none; stroke-dasharray: 4 4; }
.drawing .edge { fill: none; stroke: var(--control); stroke-width: 1.5; }
.drawing .edge.loose { stroke-dasharray: 4 4; }
.drawing .dot { fill: var(--plain); }
.drawing .accent { fill: var(--accent); }
.drawing .good { fill: var(--good); }
.drawing .warn { fill: var(--warn); }
.drawing .bad { fill: var(--bad); }
.drawing .rule { stroke: var(--line); }

@media screen and (max-width: 46rem) {
  .bar { position: static; }
  .bar > div { padding: 0.75rem 1rem; }
  .bar nav { margin-left: -0.625rem; }
  html { scroll-padding-top: 1rem; }
  main { padding: 1rem 1rem 3rem; }
  .card { padding: 1rem; }
  .stack { gap: 1rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .weeks { gap: 2px; }
  .weeks .bad small { display: none; }
  .filters { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}

@media screen and (max-width: 62rem) {
  table.cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.cards, table.cards tbody, table.cards tr, table.cards th, table.cards td { display: block; }
  table.cards tr { padding: 0.625rem 0; border-bottom: 1px solid var(--line); }
  table.cards tbody tr:last-child { border-bottom: 0; }
  table.cards tbody tr > * { border: 0; padding: 0.0625rem 0; text-align: left; }
  table.cards tbody tr > :first-child { padding-bottom: 0.25rem; }
  table.cards td[data-label]:not(:empty)::before {
    content: attr(data-label); content: attr(data-label) / "";
    display: inline-block; min-width: 6.5rem; color: var(--quiet); font-size: 0.8125rem;
  }
  table.cards td:empty { display: none; }
  table.cards td[data-label]:not(.long) > .under { margin-left: 6.75rem; }
  #table thead { position: static; width: auto; height: auto; overflow: visible; clip-path: none; }
  #head { display: flex; flex-wrap: wrap; gap: 0.25rem 0.875rem; }
  #head th { padding: 0; border: 0; text-align: left; }
  #table td:not(:empty) { display: inline-block; padding-right: 0.875rem; }
  #table td[data-label]:not(:empty)::before { min-width: 0; margin-right: 0.375rem; }
  #table td[data-label=State]::before { content: none; }
  .told { position: static; width: auto; height: auto; margin: 1rem 0 0; padding-left: 1.25rem; clip-path: none;
    white-space: normal; }
  .told ul { padding-left: 1rem; }
  table.cards td.long::before { display: block; }
}

@media (forced-colors: active) {
  .weeks i, .drawing .dot { forced-color-adjust: none; }
  .pill { border: 1px solid; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }

@media print {
  @page { margin: 14mm 12mm; }
  html { font-size: 12px; }
  body { background: none; }
  #certificates { break-before: page; }
  .bar { position: static; border: 0; }
  .bar > div, main { max-width: none; padding: 0 0 4mm; }
  .skip, .bar nav, .filters, .pager, .back, #theme, .no-paper { display: none !important; }
  .on-paper { display: block; }
  .print-too[hidden] { display: grid !important; break-before: page; }
  .stack { display: block; }
  .card { border: 0; padding: 0; margin: 0 0 7mm; border-radius: 0; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: 2mm; margin-bottom: 7mm; }
  .tile { padding: 2mm 3mm; }
  .tile b { font-size: 14pt; }
  .scroll, .drawing { overflow: visible; margin: 0; padding: 0; }
  .drawing svg { min-width: 0; }
  thead { display: table-header-group; }
  tr, .tile, dl > div, svg { break-inside: avoid; }
  h2, h3, .card > header { break-after: avoid; }
  th, td { padding: 1.2mm 2.5mm 1.2mm 0; }
  a { color: inherit; text-decoration: none; }
  .pill, .weeks i, .drawing svg, .tile b { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .name { min-width: 34mm; }
  .tight, .pill { white-space: normal; }
  .facts { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 6mm; }
}
"""
