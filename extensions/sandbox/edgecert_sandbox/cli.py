# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's command line. ``serve`` runs it; all other commands find it through its state file."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import faults, limits
from .control import Running, SandboxError, call_admin, default_state_dir, is_alive, read_state

Command = Callable[[argparse.Namespace], int]

DESCRIPTION = """A stateful sandbox of Akamai CPS on loopback: TLS, EdgeGrid signatures, changes that take their
time, rate limits, faults on demand, and two TLS edges that serve what was deployed.
All state is in memory and gone when the sandbox stops."""

HOST_NAMES = ("localhost", "127.0.0.1", "sandbox.akamaiapis.test")
SERVE_EPILOG = """The state directory receives state.json (addresses, admin token), ca.pem (CA of the API's
certificate) and edgerc (credentials, one section per API client: default, readonly, no-cps, no-contracts, no-papi,
no-dns, inactive, partner)."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> float:
    """Read a span of time as ``90``, ``90s``, ``10m``, ``2h``, ``10d`` or ``1w``; gives seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw]?)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time; write 90s, 10m, 2h, 10d or 1w")
    return float(found[1]) * UNITS[found[2] or "s"]


def setting(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value is JSON, or text where it is none."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; write name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        metavar="DIR",
        help="folder of the sandbox's files (default: %(default)s, or EDGECERT_SANDBOX_STATE_DIR)",
    )
    parser = argparse.ArgumentParser(prog="sandbox", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str, **more: Any) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=text, description=text, **more)
        command.set_defaults(run=run)
        return command

    _add_serve(add("serve", serve, "run a sandbox until SIGTERM, SIGINT or 'stop'", epilog=SERVE_EPILOG))
    status_parser = add("status", status, "show where the sandbox listens and what is in it")
    status_parser.add_argument("--json", action="store_true", help="all of it as JSON")
    status_parser.add_argument(
        "--enrollments", type=int, default=10, metavar="N", help="list the newest N enrollments (default: %(default)s)"
    )
    advance_parser = add("advance", advance, "move the clock of changes and certificates forward")
    advance_parser.add_argument("span", type=duration, help="90s, 10m, 2h, 10d, 1w")
    _add_seed(add("seed", seed, "make enrollments at once"))
    _add_fault(add("fault", fault, "order a fault for calls to come, or forget all"))
    config_parser = add("config", config, "change how the change engine behaves, as 'csr_s=0'")
    config_parser.add_argument("setting", nargs="+", type=setting, metavar="NAME=VALUE")
    limits_parser = add("limits", change_limits, "change the rate limits, as 'enabled=false' or 'style=text'")
    limits_parser.add_argument("setting", nargs="+", type=setting, metavar="NAME=VALUE")
    calls_parser = add("calls", calls, "list the API calls made")
    calls_parser.add_argument("--reset", action="store_true", help="forget them afterwards")
    edge_parser = add("edge", edge, "shake hands with an edge and show the certificate it presents")
    edge_parser.add_argument("host", metavar="HOST", help="server name to ask for")
    edge_parser.add_argument("network", choices=("staging", "production"))
    add("stop", stop, "stop the sandbox and wait for its end")
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=0, help="port of the API (default: a free one)")
    parser.add_argument("--admin-port", type=int, default=0, help="port of the admin interface (default: a free one)")
    parser.add_argument("--staging-port", type=int, default=0, help="port of the staging edge (default: a free one)")
    parser.add_argument("--production-port", type=int, default=0, help="port of the production edge (default: free)")
    parser.add_argument("--name-server-port", type=int, default=0, help="port of the name server (default: a free one)")
    parser.add_argument(
        "--host-name",
        default=HOST_NAMES[0],
        choices=HOST_NAMES,
        help="name in the credentials' host (default: %(default)s)",
    )
    strict = parser.add_mutually_exclusive_group()
    strict.add_argument("--strict-limits", action="store_true", help="count calls against the limits (default)")
    strict.add_argument("--no-limits", action="store_true", help="do not count them")
    parser.add_argument(
        "--limit-style",
        default="rotate",
        choices=("rotate", *limits.STYLES),
        help="where a 429 tells the wait (default: %(default)s)",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--instant", action="store_true", help="changes take no time (default: seconds)")
    pace.add_argument(
        "--real-durations", action="store_true", help="changes take about as long as at CPS; see 'advance'"
    )
    parser.add_argument("--contract", action="append", default=[], metavar="ID", help="a contract; may be repeated")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="make N deployed enrollments at the start")
    skewed = "how far the gateway's clock is ahead of this machine's"
    parser.add_argument("--skew", type=float, default=0.0, metavar="SECONDS", help=skewed)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="NAME=VALUE",
        help="a setting of the change engine, as create_interval_s=0; may be repeated",
    )
    parser.add_argument("--daemon", action="store_true", help="go to the background once it listens")


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("count", type=int, help="how many")
    parser.add_argument("--contract", action="append", default=[], metavar="ID", help="spread over these contracts")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help="third-party, dv, ov, ev, third-party-pending or dv-pending; may be repeated, in turns",
    )
    parser.add_argument("--expiring", type=int, default=0, metavar="N", help="of them, N expire within thirty days")


def _add_fault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind",
        choices=(*faults.KINDS, "clear"),
        metavar="KIND",
        help=f"one of {', '.join(faults.KINDS)}; or 'clear' to forget all",
    )
    parser.add_argument("--method", help="HTTP method it is about (default: any)")
    parser.add_argument("--path", help="regular expression searched in the path with its query (default: any)")
    parser.add_argument("--nth", type=int, help="first matching call that is hit (default: 1)")
    parser.add_argument("--times", type=int, help="how many calls are hit; 0: all (default: 1)")
    parser.add_argument("--when", choices=(faults.BEFORE, faults.AFTER), help="before or after the call is processed")
    parser.add_argument("--seconds", type=float, help="delay of 'slow', wait told by 'rate_limited' (default: 5)")
    help_text = "status of 'server_error', 'plain_text' and 'unavailable' (default: 500)"
    parser.add_argument("--status", type=int, help=help_text)
    parser.add_argument("--style", choices=limits.STYLES, help="style of 'rate_limited'")
    parser.add_argument("--location", help="where 'redirect' leads (default: the same URL)")


def serve(arguments: argparse.Namespace) -> int:
    """Run a sandbox."""
    # Imported here so that the other commands start without cryptography and jsonschema.
    from .app import Sandbox, ServeOptions

    _refuse_second(arguments.state_dir)
    pace = "instant" if arguments.instant else "real" if arguments.real_durations else "quick"
    options = ServeOptions(
        state_dir=arguments.state_dir,
        port=arguments.port,
        admin_port=arguments.admin_port,
        staging_port=arguments.staging_port,
        production_port=arguments.production_port,
        name_server_port=arguments.name_server_port,
        host_name=arguments.host_name,
        limits=limits.LimitSettings(enabled=not arguments.no_limits, style=arguments.limit_style),
        pace=pace,
        contracts=tuple(arguments.contract),
        seed=arguments.seed,
        skew_s=arguments.skew,
        settings=dict(arguments.set),
    )
    if arguments.daemon and not _in_background(arguments.state_dir):
        return _report_daemon(arguments.state_dir)
    try:
        sandbox = Sandbox(options)
    except (OSError, ValueError) as exc:
        raise SandboxError(f"The sandbox cannot start: {exc}") from exc
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sandbox.stop())
    try:
        _print_running(sandbox.start())
        sandbox.wait()
    finally:
        sandbox.close()
    return 0


def _refuse_second(state_dir: Path) -> None:
    state_dir.mkdir(parents=True, exist_ok=True)
    try:
        running = read_state(state_dir)
    except SandboxError:
        return
    raise SandboxError(f"A sandbox (process {running.pid}) runs with state directory {state_dir} already.")


def _in_background(state_dir: Path) -> bool:
    """Leave the terminal; True in the process that stays, False in the one that was called."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        (state_dir / "sandbox.pid").write_text(f"{child}\n", encoding="ascii")
        return False
    os.setsid()
    log = os.open(state_dir / "sandbox.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    return True


def _report_daemon(state_dir: Path) -> int:
    child = int((state_dir / "sandbox.pid").read_text(encoding="ascii"))
    for _round in range(1200):
        try:
            _print_running(read_state(state_dir))
            return 0
        except SandboxError:
            ended, _status = os.waitpid(child, os.WNOHANG)
            if ended:
                raise SandboxError(f"The sandbox did not start; see {state_dir / 'sandbox.log'}.") from None
            time.sleep(0.05)
    raise SandboxError(f"The sandbox is not ready after a minute; see {state_dir / 'sandbox.log'}.")


def _print_running(running: Running) -> None:
    print(f"CPS sandbox, process {running.pid}")
    print(f"  API         https://{running.host}   (CA: {running.ca_path})")
    print(f"  credentials {running.edgerc}")
    for network, address in running.edges.items():
        print(f"  {network:<11} {address}")
    print(f"  name server {running.name_server}")
    print(f"  admin       {running.admin_url}", flush=True)


def status(arguments: argparse.Namespace) -> int:
    """Show what runs."""
    running = read_state(arguments.state_dir)
    state = call_admin(running, "GET", "/state")
    if arguments.json:
        print(json.dumps(state, indent=2))
        return 0
    _print_running(running)
    world, counts = state["world"], state["world"]["counts"]
    print(f"  clock       {state['now']}")
    print(f"  limits      {'on' if state['limits']['enabled'] else 'off'}")
    print(f"  faults      {len(state['faults'])} in force")
    print(f"  account     {world['accountId']}, contracts {', '.join(world['contracts'])}")
    print(
        f"  enrollments {counts['enrollments']}: {counts['pending']} with a change under way, "
        f"{counts['onStaging']} on staging, {counts['onProduction']} on production"
    )
    for one in world["enrollments"][-arguments.enrollments :] if arguments.enrollments else ():
        where = "+".join(network for network in ("staging", "production") if one[network]) or "nowhere"
        change = "".join(f", change {change['id']} {change['status']}" for change in one["pending"])
        print(f"    {one['id']}  {one['contract']}  {one['commonName']}  {where}{change}")
    return 0


def advance(arguments: argparse.Namespace) -> int:
    """Move the clock."""
    print(_admin(arguments, "POST", "/clock", {"advance_seconds": arguments.span})["now"])
    return 0


def seed(arguments: argparse.Namespace) -> int:
    """Make enrollments."""
    order = {"count": arguments.count, "expiring": arguments.expiring}
    made = _admin(arguments, "POST", "/seed", {**order, "contracts": arguments.contract, "kinds": arguments.kind})
    print(f"{made['count']} enrollments made, {made['first']} to {made['last']}")
    return 0


def fault(arguments: argparse.Namespace) -> int:
    """Order a fault, or forget all."""
    if arguments.kind == "clear":
        print(f"{_admin(arguments, 'DELETE', '/faults')['forgotten']} faults forgotten")
        return 0
    names = ("method", "path", "nth", "times", "when", "seconds", "status", "style", "location")
    order = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    made = _admin(arguments, "POST", "/faults", {"kind": arguments.kind, **order})
    print(f"fault {made['fault_id']}: {made['kind']} for {made['method']} {made['path']}, {made['times']} times")
    return 0


def config(arguments: argparse.Namespace) -> int:
    """Change the change engine's settings."""
    print(json.dumps(_admin(arguments, "POST", "/config", dict(arguments.setting)), indent=2))
    return 0


def change_limits(arguments: argparse.Namespace) -> int:
    """Change the rate limits."""
    print(json.dumps(_admin(arguments, "POST", "/limits", dict(arguments.setting)), indent=2))
    return 0


def calls(arguments: argparse.Namespace) -> int:
    """List API calls."""
    answer = _admin(arguments, "GET", "/calls?reset=true" if arguments.reset else "/calls")
    for call in answer["calls"]:
        more = f"  [{call['fault']}]" if call["fault"] else ""
        first = f"{call['number']:>5}  {call['status'] or '---'}  {call['method']:<6}"
        print(f"{first} {call['path']}  {call['client']}{more}")
    print(f"{answer['count']} calls")
    return 0


def edge(arguments: argparse.Namespace) -> int:
    """Show what an edge presents."""
    from .handshake import presented

    address = read_state(arguments.state_dir).edges[arguments.network]
    for line in presented(address, arguments.host):
        print(line)
    return 0


def stop(arguments: argparse.Namespace) -> int:
    """Stop the sandbox."""
    running = read_state(arguments.state_dir)
    call_admin(running, "POST", "/stop")
    for _round in range(200):
        if not is_alive(running.pid):
            break
        time.sleep(0.05)
    print(f"sandbox (process {running.pid}) stopped")
    return 0


def _admin(arguments: argparse.Namespace, method: str, path: str, body: object = None) -> Any:
    return call_admin(read_state(arguments.state_dir), method, path, body)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 1 an error with a sentence on standard error, 2 a wrong command line."""
    chosen = build_parser().parse_args(arguments)
    run: Command = chosen.run
    try:
        return run(chosen)
    except SandboxError as exc:
        print(f"sandbox: {exc}", file=sys.stderr)
        return 1
