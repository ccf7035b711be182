"""Season, contest, track, stage, rubric: what is held, and by which rules."""
