"""Leitai (擂台): the stages of a contest in order, one anatomy for every stage, one direction of imports.

The map (no imports here, so that the rules stay import-clean)::

    app.py           create_app(): the one module that knows all others, in small named steps
    config.py        one Config from the environment (LEITAI_*), a documented table
    extensions.py    unbound extension objects, nothing else
    cli.py           a thin dispatcher; each command imports what it needs and no more
    cli_base.py      what its modules of commands open
    cli_work.py      jobs, rekey, draw
    job_process.py   `leitai jobs`: hashes, files, mail, imports and exports beside the server
    shepherd.py      keeps a job process running beside a server, and ends it with the server
    terminal.py      what its commands share: the database opened, what goes wrong in sentences
    backup.py        the database and the uploads in one file, and back
    serve.py         `leitai serve` becomes gunicorn
    gunicorn_conf.py how gunicorn runs it
    demo.py          `leitai demo`: contests, server and simulated people in one command
    demo_setup.py    its database and everybody's links
    demo_judges.py   its people
    samples/         the three Weihai contests
    shared/          db, bus, schema, resources, errors, clock, roles, web guards, vault, files, jobs, excel, mail
    accounts/        people, units, roles, sign-in, consents, messages; the log; approval (two-person)
    contests/        season, contest, track, stage, rubric, rule pack; the state machine of a contest
    registration/    registrations and entries, eligibility, review, quotas, attachments, check-in
    draw/            running order and code numbers, seeded and replayable
    scoring/         marks -> the score of one entry in one stage; evidence.py: how evidence is read
    leaderboard/     scores -> ranked board; ties, freeze, versions; the projector
    awards/          ranks -> prizes, team points
    recommendation/  prizes of many contests -> lists for provincial awards; winners up a layer
    live/            what goes out to audiences and screens: topics, producers, the publisher
    bundle/          a contest as one file: read, check, score, write
    pages/           public pages that join several stages

    judges/roster    judges
    judges/panels    who judges what
    judges/ballots   versioned mark sheets and rulings: the evidence
    judges/desk      the judge's tablet and the chief judge's console

Imports run one way (import-linter keeps it)::

    app, cli > judges (desk > ballots > panels > roster) > pages > bundle > live > recommendation > awards
             > leaderboard > scoring > draw > registration > contests > accounts > extensions > shared
    inside a stage: views, manage, sockets, forms > service, queries, policy > models, events > rules
"""
