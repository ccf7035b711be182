"""The evidence: who judges what, every mark and every ruling, and the desks where they are made."""
