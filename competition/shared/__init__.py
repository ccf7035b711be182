"""What every stage leans on: database, facts, errors, two-person approval, clock."""
