"""The task of a dry run that measures some of the images."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from srcnn.estimation.choose_sample import Sample
from srcnn.estimation.measure import Measurement, measure_sample
from srcnn.job import Job
from srcnn.reporting.summary import count_images
from tasks.logs import logger


@task(name="measure-sample", cache_policy=NO_CACHE)
def measure(job: Job, sample: Sample) -> Measurement:
    """Process some images in memory, to see how long they take.

    Args:
        job: what all images share.
        sample: of the plan; not the plan itself, through which Prefect would walk.
    """
    logger().info("trying %s in memory, for an estimate", count_images(len(sample.images)))
    return measure_sample(job, sample)
