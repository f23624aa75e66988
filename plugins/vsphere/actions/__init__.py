"""What can be done to storage from a vCenter: each action, its check, its plan and its flow."""
