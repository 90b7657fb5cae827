"""What the API server has tried for a prediction it need not try again for the sync, and only that."""

from adapters.cluster.targets import config_map
from memory.server import Server
from memory.wire import MemoryApi, opened
from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.model.flow import Apply, Phase, Result
from tiphys.model.objects import Manifest


async def test_the_dry_run_after_a_prediction_is_spared_once() -> None:
    target = config_map("default", "a")
    api = MemoryApi(Server())
    async with opened(api) as cluster:
        await cluster.predict(target)
        asked = patches(api)
        assert (await dry_run(cluster, target)).phase is Phase.SUCCEEDED
        assert patches(api) == asked
        assert (await dry_run(cluster, target)).phase is Phase.SUCCEEDED
        assert patches(api) == asked + 1


async def test_another_target_or_another_live_object_is_tried_anew() -> None:
    target, other = config_map("default", "a"), config_map("default", "a", turn="2")
    api = MemoryApi(Server())
    async with opened(api) as cluster:
        await cluster.predict(target)
        await dry_run(cluster, other)
        await cluster.predict(target)
        await cluster.perform(Apply(other.key, other))
        asked = patches(api)
        await dry_run(cluster, target)
        assert patches(api) == asked + 1


async def dry_run(cluster: WatchedCluster, target: Manifest) -> Result:
    return await cluster.perform(Apply(target.key, target, dry_run=True))


def patches(api: MemoryApi) -> int:
    return sum(request.method == "PATCH" for request in api.asked)
