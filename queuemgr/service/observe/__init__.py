"""What is seen of the queue over time: measures, their history, alerts and who is told. It changes no job."""
