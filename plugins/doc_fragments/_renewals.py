# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a new certificate for what was enrolled, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """For the module that enrolls."""

    DOCUMENTATION = r"""
options:
  action:
    description:
      - V(enroll) asks for a certificate, or goes on with what was asked for.
      - V(renew) and V(regenerate) ask for a new certificate for what was enrolled here, under the same id and in the
        same enrollment; what it follows stays in the inventory as superseded. CPS makes a new key in either case.
      - Before the certificate's renewal window opens they change nothing, unless O(force) is set or something is to be
        edited, so that the same task may run every day. V(regenerate) is for valid certificates only.
      - Given with other O(subject_alternative_names), another subject, kind of key or O(exclude_sans) they edit the
        live enrollment in place, at once, by a new certificate. What is left out stays as it is; names are given whole.
      - Common name, contract, device, secure network and the kind of enrollment never change; that needs a new
        enrollment. Beside a change that is open at CPS nothing is edited, and no change is ever cancelled for it.
      - Another O(dual_stack) turns a single stack into a dual one, or back. Until the new certificates are pushed, the
        one before stays where it is.
      - Automatic renewal is not inherited, unless it made the renewal.
      - V(revoke) has the CA revoke the certificate, for O(reason), with the approvals of its group, and keeps it as
        revoked in the inventory. Nothing is changed at Akamai; where a network serves it still, a warning says so. A
        superseded certificate is revoked under the id it has in the inventory. Nothing revoked renews by itself.
      - V(adopt) takes over a third-party certificate that was enrolled elsewhere and discovered on a managed device.
        The enrollment is read, nothing is sent, and nobody has to approve it. From then on it is renewed, edited and
        pushed as if it had been enrolled here, signed by O(ca). Names, subject and kinds of key are as the enrollment
        has them; vendor settings of its combination have to be there.
    type: str
    choices: [enroll, renew, regenerate, revoke, adopt]
    default: enroll
  reason:
    description:
      - Why a certificate is revoked; goes with O(action=revoke), and V(unspecified) is the default. A reason that the
        CA has no word for is refused; C(revoke_reasons) of RV(edgecert.clm.ca_account#module:ca_account.capabilities)
        names those it has.
    type: str
    choices:
      - unspecified
      - key_compromise
      - ca_compromise
      - affiliation_changed
      - superseded
      - cessation_of_operation
      - privilege_withdrawn
      - aa_compromise
    version_added: 0.1.0
  force:
    description:
      - Whether to renew or regenerate although the window has not opened.
    type: bool
    default: false
  only_missing:
    description:
      - Whether to ask only for the certificate that is missing of a dual stack, beside the other one, which stays. Goes
        with O(action=regenerate), and with no edit; where nothing is missing, nothing is done.
      - CPS takes it when the other one is on production.
    type: bool
    default: false
  from_snapshot:
    description:
      - Rolls forward; goes with O(action=regenerate). Names, subject, kinds of keys and all settings of the enrollment
        are those of this snapshot, as RV(edgecert.clm.cert_info#module:snapshots) shows it. A certificate for a new key
        is ordered from the same CA account. CPS has no key any more for a certificate that was replaced.
      - Id of a snapshot, or V(previous) for what it was before production got what it serves now.
      - Names that the snapshot lacks are dropped, for which O(allow_names_in_use) holds as for an edit.
      - A certificate that was made from that snapshot is left as it is.
    type: str
  take_settings:
    description:
      - With O(action=renew) or O(action=regenerate), whether organization and contacts, as they are saved with
        M(edgecert.clm.akamai_vendor_settings) now, take the place of those the enrollment was made with.
      - They are in no certificate. Where nothing else is to be done, CPS changes them at once and makes none.
    type: bool
    default: false
    version_added: 0.1.0
  allow_names_in_use:
    description:
      - Whether names may be dropped that properties still serve, as Property Manager tells before anything is sent.
        RV(names_in_use) lists them. With V(false) the call is refused.
    type: bool
    default: false
    version_added: 0.1.0
"""
