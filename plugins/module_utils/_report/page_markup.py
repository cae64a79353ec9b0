# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The markup of the page that stands before its script fills it in. Text alone; nothing of the data is in it."""

from __future__ import annotations

BODY = r"""
<a class="skip" href="#main" id="skip">Skip to the content</a>
<header class="bar"><div>
  <div><h1 id="title"></h1><p class="quiet" id="moment"></p></div>
  <nav aria-label="Sections"><ul>
    <li><a href="#overview">Overview</a></li>
    <li><a href="#work">Work</a></li>
    <li><a href="#certificates">Certificates</a></li>
    <li><a href="#devices">Devices</a></li>
  </ul></nav>
  <button type="button" id="theme"></button>
</div></header>
<main id="main" tabindex="-1">
<noscript><p class="note">This page draws its tables with a script of its own, which is switched off here.
The data is in the page's source; the module writes it as CSV and JSON, too.</p></noscript>
<p class="note" id="stale" hidden></p>
<p class="unseen" role="status" id="said"></p>
<div class="stack" id="all">
  <section id="overview" aria-labelledby="overview-title" class="stack">
    <h2 id="overview-title" class="unseen">Overview</h2>
    <div class="tiles" id="tiles"></div>
    <div class="card">
      <header><h3 id="weeks-title">When certificates expire</h3>
        <p class="quiet" id="weeks-hint">by week; choose one to list its certificates</p></header>
      <div class="weeks" role="toolbar" aria-labelledby="weeks-title" aria-describedby="weeks-hint" id="weeks"></div>
    </div>
  </section>
  <section id="work" class="card" aria-labelledby="work-title">
    <header><h2 id="work-title">Work and approvals</h2><p class="quiet" id="work-count"></p></header>
    <div class="scroll" id="work-list"></div>
  </section>
  <section id="certificates" class="card" aria-labelledby="certificates-title">
    <header><h2 id="certificates-title">Certificates</h2><p class="quiet" role="status" id="count"></p></header>
    <form class="filters" id="filters" role="search" aria-label="Filter certificates" autocomplete="off">
      <label class="wide"><span>Text</span>
        <input type="search" id="f-text" placeholder="name, issuer, serial, attribute" spellcheck="false"></label>
      <label><span>State</span><select id="f-state"></select></label>
      <label><span>Device</span><select id="f-device"></select></label>
      <label><span>Group</span><select id="f-group"></select></label>
      <label><span>CA</span><select id="f-ca"></select></label>
      <label><span>Network</span><select id="f-network"></select></label>
      <div class="pair" role="group" aria-label="Days left">
        <label><span>Days left from</span><input type="number" id="f-from" step="1"></label>
        <label><span>to</span><input type="number" id="f-to" step="1" aria-label="Days left to"></label>
      </div>
      <button type="reset" id="reset" aria-label="Clear filters">Clear</button>
    </form>
    <p class="on-paper" id="asked"></p>
    <div class="scroll"><table class="cards" id="table" role="table" aria-labelledby="certificates-title">
      <thead role="rowgroup"><tr role="row" id="head"></tr></thead>
      <tbody role="rowgroup" id="rows"></tbody></table></div>
    <p class="empty" id="none" hidden>No certificate fits the filters.</p>
    <nav class="pager" id="pager" aria-label="Pages of certificates"></nav>
  </section>
  <section id="devices" class="card" aria-labelledby="devices-title">
    <header><h2 id="devices-title">Devices</h2></header>
    <div class="scroll" id="device-list"></div>
  </section>
</div>
<div id="one" hidden></div>
</main>
"""
