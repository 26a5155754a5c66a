"""Decisions a second of Cedar (Amazon's policy engine, written in Rust) over the same kind of question.

One policy for each role, people with one role on one team; requests are decided in batches, so that what is measured is
the engine and not the bridge into Python.
"""
import sys
import time

import cedarpy

POLICIES = """
permit(principal, action in [Action::"read", Action::"propose"], resource) when { principal.memberOf.contains(resource) };
permit(principal, action in [Action::"read", Action::"approve", Action::"remove"], resource) when { principal.adminOf.contains(resource) };
"""
TEAMS = [{"uid": {"type": "Team", "id": f"team-{n}"}, "attrs": {}, "parents": []} for n in range(16)]


def reference(number):
    return {"__entity": {"type": "Team", "id": f"team-{number}"}}


def person(number):
    roles = range(number)
    return {
        "uid": {"type": "Person", "id": str(number)},
        "attrs": {
            "memberOf": [reference(n * 2) for n in roles if n % 2 == 0],
            "adminOf": [reference(n * 2) for n in roles if n % 2 == 1],
        },
        "parents": [],
    }


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    entities = TEAMS + [person(number) for number in range(1, 9)]
    actions = ["read", "propose", "approve", "remove"]
    requests = [
        {
            "principal": f'Person::"{1 + n % 8}"',
            "action": f'Action::"{actions[n % 4]}"',
            "resource": f'Team::"team-{n % 16}"',
            "context": {},
        }
        for n in range(rounds)
    ]
    start = time.perf_counter()
    answers = cedarpy.is_authorized_batch(requests, POLICIES, entities)
    elapsed = time.perf_counter() - start
    allowed = sum(answer.allowed for answer in answers)
    if not 0 < allowed < rounds:
        raise SystemExit("the policies decide nothing")
    print(f"{rounds / elapsed:.0f} {allowed}")


main()
