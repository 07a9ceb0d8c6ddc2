"""The base model's own pipeline, a thin file a stage: `dvc repro pretraining/dvc.yaml`; its training is pipelines/pretrain.py."""
