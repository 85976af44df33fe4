"""The planners' digest: what changed, which vote is close, which pool will miss; from what is public or released."""
