# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's script, fourth part: the topology of a certificate, as a drawing and as a list. Text alone.

A column each for the CA connector, the certificate, application connectors, and devices with their networks: from who
signs to where it is served (V2). The list says the same in words, for those who do not see the drawing.
"""

from __future__ import annotations

SCRIPT = r"""
const BOX = 212, WIDE = 268, STEP = 264, GAP = 14, TOP = 34, LINE = 20;
const brush = document.createElement('canvas').getContext('2d');
const cut = (value, room, font) => {
  brush.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  const wide = (words) => brush.measureText(words).width > room;
  if (!wide(value)) return value;
  // By whole characters, and no more of them than a box could hold.
  const letters = Array.from(value).slice(0, 60);
  while (letters.length && wide(`${letters.join('')}\u2026`)) letters.pop();
  return `${letters.join('')}\u2026`;
};

// What a network of a device has to tell: the newest work orders, and what was last seen to be served there.
const networkLines = (one, device) => ['staging', 'production'].flatMap((network) => {
  const orders = list(device.work_orders).filter((order) => order.network === network);
  const settings = list(device.settings_orders).filter((order) => order.network === network);
  const told = [
    ...orders.map((order) => ({network, label: text(order.label), state: order.state, order})),
    ...settings.map((order) => ({network, label: `settings: ${text(order.label)}`, state: order.state, order})),
  ];
  if (told.length) return told;
  const served = device.name === one.device && list(one.networks).includes(network);
  return [{network, label: served ? 'served' : 'nothing pushed', state: served ? 'completed' : ''}];
});

const statusWord = (device, otherwise) => device && device.status ? first(words(device.status)) : otherwise;

const topologyOf = (one) => {
  const connector = one.ca_connector, request = connector && connector.request || {};
  const ca = connector
    ? {name: text(connector.name), under: [text(connector.type), text(request.label)], state: request.state}
    : {name: issuerName(one) || 'Unknown CA', under: ['found at the device'], loose: true};
  const status = statusOf(one);
  const certificate = {name: text(one.certificate), main: true, state: status,
    under: [first(words(status)), liveEnd(one) ? `on production until ${day(liveEnd(one))}`
      : one.not_after ? `expires ${day(one.not_after)}` : 'not issued yet']};
  const connectors = list(one.connectors).map((each) => ({
    name: text(each.name),
    under: [text(each.description),
      each.push_automatically ? `pushes by itself to ${text(each.automatic_network)}` : 'pushes when asked to'],
    devices: list(each.devices).map((device) => ({
      name: text(device.name), state: device.status, status: statusWord(device, 'Not onboarded'),
      lines: networkLines(one, device),
    })),
  }));
  if (!connectors.length && one.device) {
    const known = list(report.devices).find((device) => device.name === one.device);
    connectors.push({name: 'No application connector', under: ['nothing is pushed from here'], none: true, devices: [{
      name: text(one.device), state: known && known.status, status: statusWord(known, ''),
      lines: networkLines(one, {name: one.device}),
    }]});
  }
  return {ca, certificate, connectors};
};

const box = (node, x, y, height, width = BOX) => {
  const full = [node.name, ...list(node.under), node.status].filter(Boolean).join(', ');
  const group = svg('g', {},
    svg('title', {}, full),
    svg('rect', {class: `box${node.main ? ' main' : ''}${node.none ? ' none' : ''}`, x, y, width, height, rx: 10}),
    svg('text', {class: 'strong', x: x + 14, y: y + 24}, cut(node.name, width - (node.state ? 44 : 28), '620 13px')));
  list(node.under).filter(Boolean).slice(0, 2).forEach((line, at) => group.append(
    svg('text', {class: 'dim', x: x + 14, y: y + 43 + at * 17}, cut(line, width - 28, '12px'))));
  if (node.state) group.append(svg('circle', {class: `dot ${tone(node.state)}`, cx: x + width - 16, cy: y + 19, r: 5}));
  return group;
};
const deviceBox = (device, x, y, height) => {
  const group = box({...device, under: [device.status]}, x, y, height, WIDE);
  device.lines.forEach((line, at) => {
    const base = y + 74 + at * LINE;
    group.append(
      svg('line', {class: 'rule', x1: x + 1, x2: x + WIDE - 1, y1: base - 15, y2: base - 15}),
      svg('circle', {class: `dot ${tone(line.state)}`, cx: x + 18, cy: base - 4, r: 4}),
      svg('text', {class: 'dim', x: x + 30, y: base}, cut(`${line.network}: ${line.label}`, WIDE - 44, '12px')));
  });
  return group;
};
const edge = (x1, y1, x2, y2, loose) => {
  const half = (x1 + x2) / 2;
  const d = `M${x1} ${y1} C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
  return svg('path', {class: loose ? 'edge loose' : 'edge', d});
};

const drawTopology = (one) => {
  const {ca, certificate, connectors} = topologyOf(one);
  const HIGH = 74;
  let y = TOP;
  const columns = {edges: [], boxes: []};
  const middles = [];
  for (const connector of connectors) {
    const begin = y, ends = [];
    for (const device of connector.devices) {
      const height = 64 + device.lines.length * LINE;
      columns.boxes.push(deviceBox(device, 3 * STEP, y, height));
      ends.push(y + height / 2);
      y += height + GAP;
    }
    const height = Math.max(y - begin - GAP, HIGH);
    y = begin + height + GAP;
    const middle = begin + height / 2;
    columns.boxes.push(box(connector, 2 * STEP, middle - HIGH / 2, HIGH));
    for (const end of ends) columns.edges.push(edge(2 * STEP + BOX, middle, 3 * STEP, end, connector.none));
    middles.push([middle, connector.none]);
  }
  const height = Math.max(y - GAP, TOP + HIGH) + 4;
  const middle = (TOP + height - 4) / 2;
  for (const [end, none] of middles) columns.edges.push(edge(STEP + BOX, middle, 2 * STEP, end, none));
  columns.edges.push(edge(BOX, middle, STEP, middle, ca.loose));
  const heads = ['CA connector', 'Certificate', 'Application connectors', 'Devices and networks']
    .map((label, at) => svg('text', {class: 'head', x: at * STEP + 2, y: 16}, label));
  return el('div', {class: 'drawing', role: 'region', 'aria-label': 'Drawing of the topology', tabindex: '0'},
    svg('svg', {viewBox: `-2 0 ${3 * STEP + WIDE + 4} ${height}`, role: 'img', 'aria-labelledby': 'drawn',
      'aria-describedby': 'told'},
    svg('title', {id: 'drawn'}, `Topology of ${certificate.name}, told in the list that follows`),
    heads, columns.edges, box(ca, 0, middle - HIGH / 2, HIGH), box(certificate, STEP, middle - HIGH / 2, HIGH),
    columns.boxes));
};

const tellTopology = (one) => {
  const {ca, certificate, connectors} = topologyOf(one);
  const say = (node) => [node.name, ...list(node.under)].filter(Boolean).join(', ');
  return el('ul', {id: 'told', class: 'unseen told', 'aria-label': 'Topology in words'},
    el('li', {}, `CA connector: ${say(ca)}`),
    el('li', {}, `Certificate: ${say(certificate)}`,
      el('ul', {}, connectors.map((connector) => el('li', {},
        `${connector.none ? '' : 'Application connector: '}${say(connector)}`,
        el('ul', {}, connector.devices.map((device) => el('li', {},
          `Device: ${[device.name, device.status].filter(Boolean).join(', ')}`,
          el('ul', {}, device.lines.map((line) => el('li', {}, `${first(line.network)}: ${line.label}`)))))))))));
};
"""
