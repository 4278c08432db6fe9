# SPDX-License-Identifier: GPL-2.0
"""What a demo came to: the report, and whether all that it claims holds."""

import json
import subprocess

from common import TOP, LabError

CLASSES = [
    ("sent", "sent and waiting"),
    ("queued", "queued and not in the ring"),
    ("received", "received and held"),
    ("taken", "taken and not delivered"),
    ("unread_server", "unread in rings, towards the server"),
    ("unread_client", "unread in rings, towards the client"),
    ("completions", "completion queued"),
]
LEAST_EACH, LEAST_SUM, LEAST_CHANNELS, LEAST_TRANSACTIONS = 50, 1000, 8, 10000
FAULTS = {"drop": "lost", "dup": "duplicated", "flip": "corrupted", "late": "late"}
WORDS = ["lost", "duplicated", "corrupted", "late", "failed", "unknown", "malformed", "overflow"]


def judged(ledger):
    """The judge's verdict on a ledger file."""
    result = subprocess.run([TOP / "tools/judge/judge", "--json", ledger], check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode not in (0, 1):
        raise LabError(f"the judge cannot judge: {result.stderr.decode().strip()}")
    verdict = json.loads(result.stdout)
    # The exit status is the judge's word; the document must not contradict it.
    if verdict["ok"] != (result.returncode == 0):
        raise LabError("the judge contradicts itself")
    return verdict


def times(facts):
    """[(what, seconds or None, whose clock)]."""
    saved = (facts.saved or {}).get("times_ns", {})
    restored = facts.restored or {}

    def seconds(value):
        return None if value is None else value / 1e9

    kexec = facts.stamp_of("kexec")
    up = facts.boots[1][0] if len(facts.boots) > 1 else None
    rows = [
        ("freeze", seconds(saved.get("freeze")), "kmclctl"),
        ("save", seconds(saved.get("save")), "kmclctl"),
        ("load the next kernel", seconds(saved.get("load")), "kmclctl"),
        ("kexec, until init runs", up - kexec if up and kexec else None, "host"),
        ("restore", seconds(restored.get("restore_ns")), "the next kernel"),
        ("blackout", facts.blackout(), "host, ledger lines"),
    ]
    return rows


def checks(facts, verdict, releases, fault, kexec=True):
    """[(holds, what)]: everything that a demo claims; releases: of its kernels."""
    packets = (facts.saved or {}).get("packets", {})
    rows = [(facts.failure is None and facts.done,
             f"the run came to its end{': ' + facts.failure if facts.failure else ''}")]
    if kexec:
        rows += [
            (facts.stayed, "one QEMU process throughout"),
            (not any(e == "RESET" for _, e in facts.events), "no RESET on QMP"),
        ]
    ids = [b[1] for b in facts.boots]
    rows += [
        (len(ids) == len(set(ids)) == len(releases),
         f"kernels that ran, each with its own boot_id: {len(releases)}"),
        ([b[2] for b in facts.boots] == releases, f"uname -r: {' and then '.join(releases)}"),
        (verdict["starts"] == len(releases), "the ledger goes through all of them"),
        (not facts.complaints, "no kernel complained"),
    ]
    rows += [(packets.get(key, 0) >= LEAST_EACH, f"at least {LEAST_EACH} {text}")
             for key, text in CLASSES]
    rows += [
        # The other rows say where in the machine those are.
        (packets.get("sent", 0) + packets.get("queued", 0) >= LEAST_SUM,
         f"at least {LEAST_SUM} transactions in flight"),
        (verdict["channels"] >= LEAST_CHANNELS, f"at least {LEAST_CHANNELS} channels"),
        (verdict["directions"] == 2, "requests in both directions"),
        (verdict["transactions"] >= LEAST_TRANSACTIONS,
         f"at least {LEAST_TRANSACTIONS} transactions"),
    ]
    if fault:
        wanted = {w: int(w == FAULTS[fault]) for w in WORDS}
        rows.append(({w: verdict[w] for w in WORDS} == wanted,
                     f"the judge found exactly the fault planted: 1 {FAULTS[fault]}"))
    else:
        rows.append((verdict["ok"], "every transaction was done once, and rightly"))
    return rows


def show(facts, verdict, rows, fault):
    """Print the report."""
    packets = (facts.saved or {}).get("packets", {})
    print("\nin flight when the kernel was replaced")
    for key, text in CLASSES:
        print(f"  {text:<42}{packets.get(key, '-'):>8}")
    print(f"  {'transactions (the first two)':<42}"
          f"{packets.get('sent', 0) + packets.get('queued', 0):>8}")
    print(f"\nverdict on {verdict['transactions']} transactions, "
          f"{verdict['channels']} channels")
    for word in WORDS:
        if word in ("lost", "duplicated", "corrupted", "late") or verdict[word]:
            names = ", ".join(verdict["examples"].get(word, []))
            print(f"  {word:<42}{verdict[word]:>8}{'   ' + names if names else ''}")
    print("\ntimes")
    for what, seconds, clock in times(facts):
        value = "-" if seconds is None else f"{seconds:.3f} s"
        print(f"  {what:<42}{value:>10}   {clock}")
    failed = [what for holds, what in rows if not holds]
    print()
    for what in failed:
        print(f"does not hold: {what}")
    if failed:
        print(f"FAILED: {len(failed)} of {len(rows)} checks do not hold")
    elif fault:
        print(f"FAILED, as planted: BREAK={fault} gave {FAULTS[fault]} 1 and nothing else")
    else:
        print(f"PASSED: all {len(rows)} checks hold; nothing lost, duplicated or corrupted")
