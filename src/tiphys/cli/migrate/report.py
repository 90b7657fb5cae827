"""How a plan to migrate looks: for people, and for programs."""

from collections.abc import Iterator, Mapping

from tiphys.cli.output import table
from tiphys.core.migration.controllers import Role
from tiphys.core.migration.plan import Plan, Prospect, Step


def text(plan: Plan, *, back: bool) -> str:
    """The plan for people."""
    return "\n".join(_paragraphs(plan, back=back))


def _paragraphs(plan: Plan, *, back: bool) -> Iterator[str]:
    version = f" {plan.version}" if plan.version else ""
    yield f"From Tiphys back to Argo CD{version}:" if back else f"From Argo CD{version} to Tiphys:"
    rows = [(str(s.controller), str(s.controller.replicas), str(s.replicas), s.why) for s in plan.steps]
    yield table(("WORKLOAD", "REPLICAS", "THEN", ""), rows)
    if plan.prospects:
        yield ""
        yield table(
            ("APPLICATION", "SYNC", "HEALTH", "WITH ARGO CD" if back else "WITH TIPHYS"),
            map(_row, plan.prospects),
        )
    for each in plan.prospects:
        yield from (f"  {each.name.name}: {why}" for why in each.why)
    for title, lines in (("Know before:", plan.warnings), ("In the way:", plan.blockers)):
        if lines:
            yield f"\n{title}"
            yield from (f"  - {line}" for line in lines)


def _row(prospect: Prospect) -> tuple[str, str, str, str]:
    mark = " (!)" if prospect.blocks else ""
    return prospect.name.name, prospect.sync, prospect.health, f"{prospect.verdict}{mark}"


def document(plan: Plan, *, back: bool) -> Mapping[str, object]:
    """The plan for programs."""
    return {
        "direction": "back" if back else "to tiphys",
        "argocdVersion": plan.version,
        "refused": plan.refused,
        "workloads": [_step(each) for each in plan.steps],
        "applications": [_prospect(each) for each in plan.prospects],
        "warnings": list(plan.warnings),
        "blockers": list(plan.blockers),
    }


def _step(step: Step) -> Mapping[str, object]:
    key = step.controller.key
    named = {
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "role": step.controller.role.value,
    }
    return {**named, "replicas": step.controller.replicas, "then": step.replicas, "why": step.why}


def _prospect(prospect: Prospect) -> Mapping[str, object]:
    return {
        **prospect.name._asdict(),
        "sync": prospect.sync,
        "health": prospect.health,
        "verdict": prospect.verdict.value,
        "blocks": prospect.blocks,
        "why": list(prospect.why),
    }


def pending(plan: Plan) -> bool:
    """Whether anything is left to be done."""
    return any(step.controller.replicas != step.replicas for step in plan.steps)


def question(plan: Plan, *, back: bool) -> str:
    """What a user is asked before anything is changed."""
    if back:
        return "Hand the Applications back to Argo CD?"
    return f"Scale Argo CD's controller to 0 and let Tiphys have {len(plan.prospects)} Applications?"


def afterwards(plan: Plan, namespace: str, *, back: bool) -> str:
    """What there is to do next."""
    engines = [step for step in plan.steps if step.controller.role is Role.ENGINE]
    place = "" if namespace == "argocd" else f" -n {namespace}"
    if back:
        outside = (
            "" if engines else " An engine outside of the cluster stands by on its own: end it when you like."
        )
        return (
            f"\nArgo CD has the Applications.{outside}\nVerify:  tiphys migrate argocd --back --wait{place}"
        )
    running = next((step for step in engines if step.replicas), None)
    start = (
        f"{running.controller} acts now."
        if running
        else f"No engine of Tiphys is in namespace {namespace}: install one (docs/how-to/install.md), or run "
        f"`tiphys controller{place}`. One that stood by outside of the cluster goes on by itself."
    )
    return (
        f"\nArgo CD has stepped back. {start}\nVerify:  tiphys migrate argocd --wait{place}\n"
        f"Back:    tiphys migrate argocd --back{place}"
    )
