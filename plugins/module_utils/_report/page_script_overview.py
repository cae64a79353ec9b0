# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, third part: counts, the weeks in which certificates expire, work, devices. Text alone."""

from __future__ import annotations

SCRIPT = r"""
const tile = (number, label, kind, go) => go
  ? el('a', {class: `tile ${kind}`, ...go}, el('b', {}, number), el('span', {}, label))
  : el('div', {class: `tile ${kind}`}, el('b', {}, number), el('span', {}, label));
const filtering = (want) => ({
  href: `#certificates?${new URLSearchParams(want)}`,
  onclick: (event) => { event.preventDefault(); filterBy(want); },
});
const drawTiles = () => {
  const sum = report.summary || {};
  const expired = sum.expired || 0, expiring = sum.expiring || 0, people = sum.waiting_for_people || 0;
  const devices = list(report.devices);
  const broken = devices.filter((one) => tone(one.status) === 'bad').length;
  byId('tiles').replaceChildren(
    tile((sum.certificates || 0).toLocaleString('en'), 'certificates', '', {href: '#certificates'}),
    tile(expired.toLocaleString('en'), 'expired', expired ? 'bad' : 'good', expired && filtering({state: 'expired'})),
    tile(expiring.toLocaleString('en'), 'expiring soon', expiring ? 'warn' : 'good',
      expiring && filtering({state: 'expiring'})),
    tile(people.toLocaleString('en'), people === 1 ? 'waits for a person' : 'wait for a person',
      people ? 'warn' : 'good', {href: '#work'}),
    tile(broken ? `${broken} of ${devices.length}` : String(devices.length),
      broken ? 'devices cannot be read' : devices.length === 1 ? 'device' : 'devices', broken ? 'bad' : '',
      {href: '#devices'}));
};

const WEEKS = 26;
const drawWeeks = () => {
  const used = rows.filter((row) => isUsed(row.one) && row.left !== null);
  const bars = [{from: '', to: '-1', label: 'Expired', mark: 'expired', kind: 'bad', size: 0}];
  for (let week = 0; week < WEEKS; week += 1) {
    const begin = new Date(written.getTime() + week * 7 * DAY), end = new Date(begin.getTime() + 6 * DAY);
    const before = new Date(begin.getTime() - 7 * DAY);
    const isNew = week > 0 && begin.getUTCMonth() !== before.getUTCMonth();
    const mark = isNew ? MONTHS[begin.getUTCMonth()] : '';
    bars.push({from: String(week * 7), to: String(week * 7 + 6), mark, size: 0, kind: week * 7 < 30 ? 'warn' : '',
      label: `${day(begin.toISOString())} to ${day(end.toISOString())}`});
  }
  bars.push({from: String(WEEKS * 7), to: '', label: 'Later', mark: 'later', kind: 'rest', size: 0});
  for (const row of used) bars[row.left < 0 ? 0 : Math.min(Math.floor(row.left / 7), WEEKS) + 1].size += 1;
  const most = Math.max(1, ...bars.slice(0, -1).map((bar) => bar.size));
  const buttons = bars.map((bar, at) => {
    const share = Math.min(85, bar.size ? Math.max(4, 85 * bar.size / most) : 0);
    const button = el('button', {
      type: 'button', class: bar.kind, tabindex: at === 0 ? '0' : '-1',
      title: `${bar.label}: ${count(bar.size, 'certificate')}`,
      'aria-label': `${bar.label}: ${count(bar.size, 'certificate')}`,
      onclick: () => filterBy({from: bar.from, to: bar.to}),
    }, el('i', {'aria-hidden': 'true'}), bar.size ? el('em', {'aria-hidden': 'true'}, String(bar.size)) : '',
    bar.mark && el('small', {'aria-hidden': 'true'}, bar.mark));
    button.querySelector('i').style.height = `${share}%`;
    if (bar.size) button.querySelector('em').style.bottom = `${share}%`;
    return button;
  });
  byId('weeks').replaceChildren(...buttons);
  byId('weeks').addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (to === undefined || !buttons[to]) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    buttons[to].tabIndex = 0;
    buttons[to].focus();
  });
};

const TASKS = {
  approve: 'Approve', decide: 'Decide', implement: 'Implement', ca_action: 'Act for the CA', wait: 'Nothing',
};
const TASK_TONES = {approve: 'warn', decide: 'warn', implement: 'warn', ca_action: 'warn', wait: 'plain'};
const atCa = (action) => [words(action.kind), action.name || action.domain, action.value, action.url, action.who]
  .filter(Boolean).map(text).join(' \u00b7 ');
const workAbout = (one) => [
  first(words(one.action)), one.network && `to ${one.network}`, one.connector && `by ${one.connector}`,
].filter(Boolean).join(' ');
const workLines = (entries) => entries.map((one) => {
  const task = one.task || {};
  const given = one.approvals_needed ? `${one.approvals_given || 0} of ${count(one.approvals_needed, 'approval')}` : '';
  return [
    [[el('span', {class: `pill ${TASK_TONES[task.what] || 'plain'}`}, TASKS[task.what] || 'Look'),
      el('span', {class: 'under'}, text(task.who))], 'name'],
    [task.by
      ? [time(task.by), el('span', {class: 'under'}, text(task.by_reason))]
      : el('span', {class: 'quiet'}, 'no limit'), 'until'],
    [[certificateLink(text(one.certificate)), el('span', {class: 'under'}, workAbout(one))], 'name'],
    [[pill(one.state, one.label), given && el('span', {class: 'under'}, given)], ''],
    [[el('span', {}, prose(one.waits_for)),
      list(one.ca_actions).map((action) => el('span', {class: 'under'}, atCa(action)))], 'name long'],
    [[el('span', {class: 'code'}, text(one.work_order_id || one.request_id)), el('span', {class: 'under'},
      [one.actor && `from ${one.actor}`, one.tracking_id].filter(Boolean).join(' \u00b7 '))], 'name'],
  ];
});
const WORK_COLUMNS = ['Who does what', 'Until', 'Certificate', 'State', 'Waits for', 'Order'];
const workTable = (entries) => table('Work and approvals', WORK_COLUMNS, workLines(entries));
const drawWork = () => {
  const entries = list(report.pending);
  const people = entries.filter((one) => one.task && one.task.what !== 'wait');
  byId('work-count').textContent = entries.length
    ? `${people.length} of ${entries.length} wait for a person` : '';
  const sorted = [...people, ...entries.filter((one) => !people.includes(one))];
  byId('work-list').replaceChildren(
    sorted.length ? workTable(sorted) : el('p', {class: 'empty'}, 'Nothing waits.'));
};

const logList = (log) => el('ol', {}, log.map((entry) => el('li', {},
  `${text(entry.name)}: `, pill(entry.result),
  el('span', {class: 'under'}, [entry.detail, entry.at && `${minute(entry.at)} UTC`,
    entry.duration_ms !== undefined && `${entry.duration_ms} ms`].filter(Boolean).map(text).join(' \u00b7 ')))));
const drawDevices = () => {
  const lines = list(report.devices).map((one) => {
    const log = list(one.status_log);
    const failed = log.find((entry) => tone(entry.result) === 'bad');
    return [
      [[el('strong', {}, text(one.name)), el('small', {}, text(one.host))], 'name'],
      [pill(one.status || 'unknown'), ''],
      [first(words(one.cert_sync)), ''],
      [text(one.data_center), ''],
      [one.certificates
        ? el('a', filtering({device: text(one.name)}), one.certificates.toLocaleString('en')) : '0', 'number'],
      [one.checked_at ? time(one.checked_at, minute) : el('span', {class: 'quiet'}, 'never'), 'date'],
      [log.length ? el('details', {open: Boolean(failed)},
        el('summary', {}, `${count(log.length, 'entry', 'entries')} of the log`), logList(log)) : '', 'name long'],
    ];
  });
  const columns = ['Device', 'Status', 'Sync', 'Data center', 'Certificates', 'Last look, UTC', 'Status log'];
  byId('device-list').replaceChildren(
    lines.length ? table('Devices', columns, lines) : el('p', {class: 'empty'}, 'No device is onboarded.'));
};
"""
