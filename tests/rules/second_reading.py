# ruff: noqa: B023
"""A second, naive reading of bundle.md: everything with fractions, nothing cached."""

import math
import re
from decimal import Decimal
from fractions import Fraction as F

from tests.rules.second_reading_stage import num, rnd, show, sp, stage


def score(b):
    entries = b.get("entries", [])
    out = {"format": "leitai.results/1", "contest": b["contest"]["code"], "tracks": []}
    info = {}
    for t in b["tracks"]:
        out["tracks"].append(track(b, t, [e for e in entries if e["track"] == t["code"]], info))
    if b.get("team_points") is not None:
        tp = b["team_points"]
        pts = {}
        cnt = {}
        for tr in out["tracks"]:
            if not tr["complete"]:
                continue
            for r in tr["ranking"]:
                if r["rank"] is None:
                    continue
                o = next(e for e in entries if e["code"] == r["entry"]).get("organisation")
                if o is None:
                    continue
                p = tp["points"]
                pts[o] = pts.get(o, F(0)) + (
                    num(p[r["rank"] - 1]) if r["rank"] <= len(p) else num(tp.get("others"), F(0))
                )
                cnt.setdefault(o, {})
                cnt[o][r["rank"]] = cnt[o].get(r["rank"], 0) + 1
        mx = max([r for c in cnt.values() for r in c], default=0)

        def key(o):
            return (-pts[o], [-cnt[o].get(i, 0) for i in range(1, mx + 1)])

        os_ = sorted(pts, key=lambda o: (key(o), o))
        rows = []
        for i, o in enumerate(os_):
            rank = rows[-1]["rank"] if i and key(os_[i - 1]) == key(o) else i + 1
            x = pts[o]
            s = format(Decimal(x.numerator) / Decimal(x.denominator), "f")
            s = s.rstrip("0").rstrip(".") if "." in s else s
            rows.append({"rank": rank, "organisation": o, "points": s})
        out["teams"] = rows
    if b.get("schemes"):
        recs = []
        for s in b["schemes"]:
            cand = []
            for t, tr in zip(b["tracks"], out["tracks"], strict=False):
                if not tr["complete"]:
                    continue
                ranked = [r for r in tr["ranking"] if r["rank"] is not None]
                N = len(ranked)
                codes = [p["code"] for p in t.get("prizes") or []]
                for r in ranked:
                    if r["prize"] is None:
                        continue
                    cand.append(
                        ((codes.index(r["prize"]), F(r["rank"], N), -F(Decimal(r["total"])), r["entry"]), r, t["code"])
                    )
            cand.sort(key=lambda c: c[0])
            rec = []
            res = []
            exc = []
            pt = {}
            po = {}
            for _, r, tc in cand:
                e = next(x for x in entries if x["code"] == r["entry"])
                reason = None
                org = e.get("organisation")
                if s.get("kinds") is not None and b["contest"]["kind"] not in s["kinds"]:
                    reason = "kind"
                elif any(not ok(q, e.get("attributes") or {}) for q in s.get("requires") or []):
                    reason = "eligibility"
                elif s.get("prizes") is not None and r["prize"] not in s["prizes"]:
                    reason = "prize"
                elif s.get("per_track") is not None and pt.get(tc, 0) >= s["per_track"]:
                    reason = "track_cap"
                elif (
                    s.get("per_organisation") is not None
                    and org is not None
                    and po.get(org, 0) >= s["per_organisation"]
                ):
                    reason = "organisation_cap"
                if reason:
                    exc.append({"entry": r["entry"], "reason": reason})
                    continue
                if s.get("quota") is not None and len(rec) >= s["quota"]:
                    res.append(r["entry"])
                    continue
                rec.append(r["entry"])
                pt[tc] = pt.get(tc, 0) + 1
                if org is not None:
                    po[org] = po.get(org, 0) + 1
            recs.append({"scheme": s["code"], "recommended": rec, "reserve": res, "excluded": exc})
        out["recommendations"] = recs
    return out


def ok(q, attrs):
    v = attrs.get(q["attribute"])
    if v is None:
        return False
    if q.get("min") is not None or q.get("max") is not None:
        if isinstance(v, bool):
            return False
        if isinstance(v, str):
            if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", v):
                return False
        elif not isinstance(v, (int, Decimal)):
            return False
        x = num(v)
        if q.get("min") is not None and x < num(q["min"]):
            return False
        if q.get("max") is not None and x > num(q["max"]):
            return False
    if "equals" in q:
        w = q["equals"]
        if isinstance(v, bool) or isinstance(w, bool):
            if type(v) is not type(w) or v != w:
                return False
        elif isinstance(v, (int, Decimal)) and isinstance(w, (int, Decimal)):
            if num(v) != num(w):
                return False
        elif type(v) is not type(w) or v != w:
            return False
    return True


def track(b, t, es, info):
    stages = t["stages"]
    rk = t.get("ranking") or {}
    rp = rk.get("places")
    rp = 2 if rp is None else rp
    rr = rk.get("rounding") or "half_up"
    st = {}  # stage -> entry -> dict(pending, score, crit)
    stand = {e["code"]: [] for e in es}
    byc = {e["code"]: e for e in es}

    def ends(e, s):
        status = e.get("status") or "ok"
        if status == "ok":
            return False
        f = e.get("status_from") or stages[0]["code"]
        codes = [x["code"] for x in stages]
        return codes.index(s["code"]) >= codes.index(f)

    going = set(byc)
    pend = {}
    for si, s in enumerate(stages):
        here = [c for c in byc if c in going and not ends(byc[c], s)]
        for c in here:
            stand[c].append(s["code"])
        st[s["code"]] = stage(b, t, s, here)
        for c in here:
            if st[s["code"]][c]["pending"]:
                pend.setdefault(c, []).append(si)
        adv = s.get("advance")
        going = set(here)
        if adv is not None and si + 1 < len(stages):
            if any(x in pend for x in here):
                going = set()
            else:

                def val(c):
                    if (adv.get("by") or "total") == "stage":
                        return st[s["code"]][c]["score"]
                    return rnd(
                        sum(
                            (
                                num(x.get("weight"), F(1)) * st[x["code"]][c]["score"]
                                for x in stages[: si + 1]
                                if x["code"] in stand[c]
                            ),
                            F(0),
                        ),
                        rp,
                        rr,
                    )

                vs = sorted([val(c) for c in here], reverse=True)
                ok_ = set(here)
                if adv.get("top") is not None and len(vs) > adv["top"]:
                    ok_ = {c for c in ok_ if val(c) >= vs[adv["top"] - 1]}
                if adv.get("min") is not None:
                    ok_ = {c for c in ok_ if val(c) >= num(adv["min"])}
                going = ok_
    complete = not pend
    tot = {}
    ranked = []
    others = []
    for c, e in byc.items():
        status = e.get("status") or "ok"
        if status != "ok":
            others.append((c, status))
            continue
        if c in pend:
            others.append((c, "pending"))
            continue
        tot[c] = rnd(
            sum(
                (num(s.get("weight"), F(1)) * st[s["code"]][c]["score"] for s in stages if s["code"] in stand[c]), F(0)
            ),
            rp,
            rr,
        )
        ranked.append(c)

    def tk(c):
        k = []
        for key in rk.get("tie_break") or []:
            if key == "draw":
                d = byc[c].get("draw")
                k.append((1, 0) if d is None else (0, d))
                continue
            kind, ref = key.split(":", 1)
            if kind == "stage":
                k.append((0, -st[ref][c]["score"]) if ref in stand[c] else (1, 0))
            elif kind == "criterion":
                a, leaf = ref.split("/")
                v = st[a][c]["crit"].get(leaf) if a in stand[c] else None
                k.append((1, 0) if v is None else (0, -v))
            else:
                x = [
                    y
                    for y in b.get("timings") or []
                    if y["track"] == t["code"] and y["stage"] == ref and y["entry"] == c
                ]
                k.append((0, num(x[0]["seconds"])) if x and ref in stand[c] else (1, 0))
        return k

    def depth(c):
        return len(stand[c])

    def key(c):
        return (-depth(c), -tot[c], tk(c))

    ranked.sort(key=lambda c: (key(c), c))
    # entries pending in a later stage than an entry stands in count as before
    codes = [s["code"] for s in stages]
    pendlast = {c: max(pend[c]) for c in pend if (byc[c].get("status") or "ok") == "ok"}

    def before(c):
        last = codes.index(stand[c][-1]) if stand[c] else -1
        return sum(1 for p in pendlast.values() if p > last)

    dense = (rk.get("ties") or "shared") == "dense"
    groups = []
    for c in ranked:
        if groups and key(groups[-1][0]) == key(c):
            groups[-1].append(c)
        else:
            groups.append([c])
    seen = 0
    rankof = {}
    for gi, g in enumerate(groups):
        base = gi if dense else seen
        for c in g:
            rankof[c] = base + 1 + before(c)
        seen += len(g)
    prize = dict.fromkeys(ranked)
    if complete:
        N = len(ranked)
        left = list(groups)
        over = 0
        for p in t.get("prizes") or []:
            if p.get("count") is not None:
                places = p["count"]
            else:
                x = num(p["share"]) * N
                r = p.get("round") or "up"
                places = math.ceil(x) if r == "up" else math.floor(x) if r == "down" else int(rnd(x, 0, "half_up"))
            places = max(0, places - over)
            over = 0
            wait = []
            while left and places > 0:
                g = left[0]
                if p.get("min_score") is not None and tot[g[0]] < num(p["min_score"]):
                    places -= len(g)
                    wait.append(left.pop(0))
                    continue
                if len(g) <= places:
                    for c in g:
                        prize[c] = p["code"]
                    places -= len(g)
                    left.pop(0)
                elif (p.get("ties") or "extend") == "extend":
                    for c in g:
                        prize[c] = p["code"]
                    over = len(g) - places
                    places = 0
                    left.pop(0)
                else:
                    break
            left = wait + left
    res = []

    def sc(c):
        return {
            s["code"]: (None if st[s["code"]][c]["pending"] else show(st[s["code"]][c]["score"], sp(s)))
            for s in stages
            if s["code"] in stand[c]
        }

    for c in ranked:
        res.append(
            {
                "rank": rankof[c],
                "entry": c,
                "status": "ranked",
                "total": show(tot[c], rp),
                "stages": sc(c),
                "prize": prize[c],
            }
        )
    for c, s_ in sorted(others):
        res.append({"rank": None, "entry": c, "status": s_, "total": None, "stages": sc(c), "prize": None})
    return {"code": t["code"], "complete": complete, "ranking": res}
