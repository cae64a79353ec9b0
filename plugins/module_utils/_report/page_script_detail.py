# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, fifth part: everything about one certificate. Text alone."""

from __future__ import annotations

SCRIPT = r"""
const facts = (title, pairs) => {
  const kept = pairs.filter(([, value]) => value !== '' && value !== undefined && value !== null);
  return kept.length ? el('div', {}, el('h3', {}, title), el('dl', {}, kept.map(([name, value, kind]) => [
    el('dt', {}, name), el('dd', {class: kind}, value)]))) : '';
};
const shortPrint = (value) => value ? el('span', {class: 'code'}, text(value)) : '';
const renewal = (settings) => settings && settings.enabled ? `${settings.days_before} days before it expires` : 'off';
const servedText = (one, network) => {
  const served = one[network];
  if (!served || !served.not_after) return 'nothing';
  const same = served.fingerprint === one.fingerprint ? 'this certificate' : 'another certificate';
  return el('span', {}, `${same}, until `, time(served.not_after));
};
const changes = (one) => list(one.pending_changes).map((change) =>
  [words(change.change_type), change.change_id].filter(Boolean).join(' ')).join(', ');
const settingsText = (one) => {
  const settings = one.network_settings;
  if (!settings) return '';
  const differing = list(settings.differing).map(words);
  return differing.length ? `production differs in ${differing.join(', ')}` : 'as set here';
};
const toldText = (one) => {
  const told = one.revocation || {};
  const said = [told.state, told.reason].map((word) => words(text(word))).filter(Boolean).join(', ');
  return [said, text(told.message)].filter(Boolean).join(': ');
};

const cardOf = (title, id, ...content) => el('section', {class: 'card', 'aria-labelledby': id},
  el('header', {}, el('h3', {id}, title)), ...content);
const factsCard = (one) => cardOf('Facts', 'facts-title', el('div', {class: 'facts'},
  facts('Certificate', [
    ['Common name', text(one.common_name)],
    ['State', first(words(one.state))],
    ['Its CA says', first(toldText(one))],
    ['Valid from', time(one.not_before)],
    ['Expires', time(one.not_after)],
    ['Days left', text(one.days_left), {expired: 'bad', expiring: 'warn'}[statusOf(one)]],
    ['Issuer', text(one.issuer)],
    ['Serial', shortPrint(one.serial)],
    ['SHA-256', shortPrint(one.fingerprint)],
    ['Key', text(one.key_algorithm)],
    ['Origin', first(words(one.origin))],
  ]),
  facts('At Akamai', [
    ['Device', text(one.device)],
    ['Sync', first(words(one.cert_sync))],
    ['Data center', text(one.data_center)],
    ['Contract', text(one.contract_id)],
    ['Enrollment', text(one.enrollment_id)],
    ['Validation', text(one.validation_type)],
    ['Type', text(one.vendor_certificate_type)],
    ['Secure network', text(one.secure_network)],
    ['Staging serves', servedText(one, 'staging')],
    ['Production serves', servedText(one, 'production')],
    ['Open changes', changes(one)],
    ['Network settings', settingsText(one)],
  ]),
  facts('Care', [
    ['Group', text(one.group)],
    ['Warns', `${one.expiry_warning_days || 0} days before it expires`],
    ['CA', text(one.ca)],
    ['Renews', renewal(one.auto_renew)],
    ['Regenerates', renewal(one.auto_regenerate)],
    ['Attachments', one.attachments ? String(one.attachments) : ''],
    ...Object.entries(one.attributes || {}).map(([name, value]) =>
      [name, typeof value === 'object' ? JSON.stringify(value) : text(value)]),
  ])));

const namesCard = (one) => {
  const names = list(one.sans);
  return names.length ? cardOf(count(names.length, 'name'), 'names-title',
    el('ul', {class: 'names', 'aria-labelledby': 'names-title'}, names.map((name) => el('li', {}, text(name))))) : '';
};
const historyCard = (one) => {
  const steps = list(one.history).flatMap((record) => list(record.steps).map((step) => [record, ...step]));
  steps.sort(([, x], [, y]) => text(x) < text(y) ? 1 : text(x) > text(y) ? -1 : 0);
  const lines = steps.map(([record, at, step, actor, comment]) => [
    [time(at, minute), 'date'],
    [first(words(step)), ''],
    [text(actor), 'name'],
    [text(comment), 'name long'],
    [[el('span', {}, [first(words(record.action)), record.network && `to ${record.network}`].filter(Boolean).join(' ')),
      el('span', {class: 'under code'}, text(record.id))], 'name'],
  ]);
  return cardOf('History', 'history-title', lines.length
    ? el('div', {class: 'scroll'}, table('History', ['When, UTC', 'Step', 'Who', 'Comment', 'Of'], lines))
    : el('p', {class: 'empty'}, 'Nothing was done about it here.'));
};
const lineageCard = (one) => {
  const lines = list(one.lineage).map((former) => [
    [text(former.certificate), 'name'],
    [time(former.not_before), 'date'],
    [time(former.not_after), 'date'],
    [text(former.issuer), 'name'],
    [shortPrint(former.serial), 'name'],
  ]);
  return lines.length ? cardOf('Follows', 'lineage-title',
    el('div', {class: 'scroll'},
      table('Earlier certificates', ['Certificate', 'From', 'Until', 'Issuer', 'Serial'], lines))) : '';
};
const workCard = (one) => {
  const entries = list(pendingOf.get(text(one.certificate)));
  return entries.length ? cardOf('Open work', 'own-work-title', el('div', {class: 'scroll'}, workTable(entries))) : '';
};
const problems = (one) => {
  const found = [];
  const request = one.ca_connector && one.ca_connector.request;
  if (request && request.message && request.state !== 'issued') found.push(['Request', request]);
  for (const connector of list(one.connectors)) {
    for (const device of list(connector.devices)) {
      for (const order of [...list(device.work_orders), ...list(device.settings_orders)]) {
        if (order.message && order.state !== 'completed') found.push([`${device.name}, ${order.network}`, order]);
      }
    }
  }
  const lines = found.map(([of, record]) => [
    [of, 'name'], [pill(record.state, record.label), ''], [prose(record.message), 'name long']]);
  return lines.length
    ? cardOf('What was said', 'messages-title', table('Messages', ['Of', 'State', 'Message'], lines)) : '';
};

const drawOne = (row) => {
  const one = row.one;
  const heading = el('h2', {id: 'one-title', tabindex: '-1'}, row.id);
  byId('one').replaceChildren(el('article', {class: 'stack', 'aria-labelledby': 'one-title'},
    el('div', {},
      el('div', {class: 'lead'}, el('a', {class: 'back', href: '#certificates', id: 'back'}, '\u2190 All certificates'),
        heading, pill(row.status), row.left === null ? '' : el('span', {class: 'quiet'},
          row.left < 0 ? `expired ${count(-row.left, 'day')} ago` : `${count(row.left, 'day')} left`)),
      cardOf('From the CA to the edge', 'way-title', drawTopology(one), tellTopology(one))),
    workCard(one), problems(one), ...row.isAsked ? [] : [factsCard(one), namesCard(one), historyCard(one)],
    lineageCard(one)));
  return heading;
};
// What is asked for and has no certificate yet, as before its first approval: its CA connector, and what it waits for.
const askedRow = (id) => {
  const work = list(pendingOf.get(id)).find((one) => one.kind === 'request');
  if (!work) return undefined;
  const connector = {...work.ca_connector, request: work};
  const one = {certificate: id, state: 'pending', device: work.device, group: work.group, ca_connector: connector};
  return {one, id, status: 'pending', left: null, isAsked: true};
};
const drawMissing = (id) => {
  const heading = el('h2', {id: 'one-title', tabindex: '-1'}, 'No such certificate');
  byId('one').replaceChildren(el('div', {class: 'card'}, heading,
    el('p', {}, `This report has no certificate ${id}. `, el('a', {href: '#certificates'}, 'All certificates'))));
  return heading;
};
"""
