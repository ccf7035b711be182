"""The stage part of a second, naive reading of bundle.md, all in fractions, nothing cached."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction as F


def num(v, default=None):
    if v is None:
        return default
    if isinstance(v, F):
        return v
    return F(Decimal(str(v)))


def rnd(x, places, mode):
    m = x * 10**places
    fl = math.floor(m)
    fr = m - fl
    if mode == "half_even":
        r = fl if fr < F(1, 2) else fl + 1 if fr > F(1, 2) else (fl if fl % 2 == 0 else fl + 1)
    else:
        if x >= 0:
            r = fl + (1 if fr >= F(1, 2) else 0)
        else:
            y = -m
            fl = math.floor(y)
            r = -(fl + (1 if y - fl >= F(1, 2) else 0))
    return F(r, 10**places)


def show(x, places):
    neg = x < 0
    n = abs(x) * 10**places
    assert n.denominator == 1
    s = str(n.numerator).rjust(places + 1, "0")
    s = s if places == 0 else s[:-places] + "." + s[-places:]
    return ("-" if neg and n else "") + s


def leaves(cs):
    for c in cs:
        if c.get("criteria") is not None:
            yield from leaves(c["criteria"])
        else:
            yield c


def sqrt28(q):
    with localcontext() as ctx:
        ctx.prec = 60
        # 28 significant digits half-even of the exact root: compute with integers
    n, d = q.numerator, q.denominator
    if n == 0:
        return F(0)
    # find e so that root*10^e has 28 digits before the point plus exact comparison
    e = 0

    def root(e):
        return math.isqrt((n * 10 ** (2 * e)) // d) if e >= 0 else math.isqrt(n // (d * 10 ** (-2 * e)))

    e = 28
    while len(str(root(e))) > 28:
        e -= 1
    while len(str(root(e))) < 28:
        e += 1
    r = root(e)
    t = q * F(10) ** (2 * e)
    half = F(2 * r + 1, 2)
    if t > half * half or (t == half * half and r % 2):
        r += 1
    return F(r) / F(10) ** e


def mean(v):
    return sum(v, F(0)) / len(v)


def method(a, v):
    v = sorted(v)
    m = a.get("method", "mean")
    if m == "mean":
        return mean(v)
    if m == "median":
        k = len(v)
        return v[k // 2] if k % 2 else (v[k // 2 - 1] + v[k // 2]) / 2
    lo, hi = a.get("drop_low", 1), a.get("drop_high", 1)
    if lo is None:
        lo = 1
    if hi is None:
        hi = 1
    tf = a.get("trim_from")
    tf = lo + hi + 1 if tf is None else tf
    return mean(v[lo : len(v) - hi]) if len(v) >= tf else mean(v)


def sp(s):
    p = s.get("places")
    return 2 if p is None else p


def stage(b, t, s, here):
    a = s.get("aggregate") or {"method": "mean"}
    over = a.get("over") or "judge"
    P = sp(s)
    R = s.get("rounding") or "half_up"
    lv = list(leaves(s["criteria"]))
    jl = [leaf for leaf in lv if (leaf.get("kind") or "judgement") != "measurement"]
    ml = [leaf for leaf in lv if leaf.get("kind") == "measurement"]
    pans = [p for p in b.get("panels") or [] if p["track"] == t["code"] and p["stage"] == s["code"]]
    marks = {}
    for m in b.get("marks") or []:
        if m["track"] != t["code"] or m["stage"] != s["code"]:
            continue
        leaf = next(x for x in lv if x["code"] == m["criterion"])
        j = None if leaf.get("kind") == "measurement" else m["judge"]
        marks[(m["entry"], j, m["criterion"], m.get("attempt") or 1)] = num(m["value"])

    def inpanel(p, c):
        return p.get("entries") is None or c in p["entries"]

    def exp(c):
        js = {j for p in pans if inpanel(p, c) for j in p["judges"]}
        js -= {r["judge"] for r in b.get("recusals") or [] if r["entry"] == c}
        js -= {
            x["judge"]
            for x in b.get("absences") or []
            if x["track"] == t["code"] and x["stage"] == s["code"] and (x.get("entry") in (None, c))
        }
        return js

    E = {c: exp(c) for c in here}

    def f(leaf):
        return num(leaf.get("factor"), F(1))

    def worth(leaf, v):
        return v / 3 * num(leaf["max"]) if leaf.get("kind") == "grade" else v

    norm = s.get("normalise") or "none"
    out = {}

    def atts(c):
        return sorted({k[3] for k in marks if k[0] == c and (k[1] is None or k[1] in E[c])})

    def incomplete(c, at):
        return any((c, None, leaf["code"], at) not in marks for leaf in ml) or any(
            (c, j, leaf["code"], at) not in marks for j in E[c] for leaf in jl
        )

    pending = {c: (not atts(c)) or any(incomplete(c, x) for x in atts(c)) or (not E[c] and bool(jl)) for c in here}
    allready = not any(pending.values())
    zj = {}
    if norm == "judge_zscore" and allready:
        tots = {}
        for c in here:
            for j in E[c]:
                tots[(j, c)] = sum((worth(leaf, marks[(c, j, leaf["code"], 1)]) * f(leaf) for leaf in jl), F(0))
        allv = list(tots.values())
        if allv:
            M = mean(allv)
            S2 = mean([(x - M) ** 2 for x in allv])
            for (j, c), x in tots.items():
                mine = [v for (k, _), v in tots.items() if k == j]
                m = mean(mine)
                s2 = mean([(v - m) ** 2 for v in mine])
                zj[(j, c)] = M if s2 == 0 else M + (x - m) * sqrt28(S2 / s2)
    for c in here:
        if pending[c]:
            out[c] = {"pending": True, "score": None, "crit": {}}
            continue
        per = []
        for at in atts(c):
            crit = {}
            if over == "criterion":
                tot = F(0)
                for leaf in lv:
                    v = (
                        marks[(c, None, leaf["code"], at)]
                        if leaf in ml
                        else method(a, [worth(leaf, marks[(c, j, leaf["code"], at)]) for j in E[c]])
                    )
                    v = rnd(rnd(v, P, R) * f(leaf), P, R)
                    crit[leaf["code"]] = v
                    tot += v
            else:
                for leaf in lv:
                    crit[leaf["code"]] = (
                        marks[(c, None, leaf["code"], at)] * f(leaf)
                        if leaf in ml
                        else mean([worth(leaf, marks[(c, j, leaf["code"], at)]) for j in E[c]]) * f(leaf)
                    )
                if jl:
                    tot = method(
                        a,
                        [
                            zj[(j, c)]
                            if (j, c) in zj
                            else sum((worth(leaf, marks[(c, j, leaf["code"], at)]) * f(leaf) for leaf in jl), F(0))
                            for j in E[c]
                        ],
                    )
                else:
                    tot = F(0)
                tot = rnd(tot + sum((marks[(c, None, leaf["code"], at)] * f(leaf) for leaf in ml), F(0)), P, R)
            per.append((tot, crit))
        A = s.get("attempts") or "best"
        if A == "best":
            i = max(range(len(per)), key=lambda i: (per[i][0], -i))
            x, crit = per[i]
        elif A == "last":
            x, crit = per[-1]
        else:
            x = sum((p[0] for p in per), F(0))
            x = rnd(x / len(per) if A == "mean" else x, P, R)
            crit = {k: sum((p[1][k] for p in per), F(0)) for k in per[0][1]}
        x += sum(
            (
                num(y["amount"])
                for y in b.get("adjustments") or []
                if y["track"] == t["code"] and y["stage"] == s["code"] and y["entry"] == c
            ),
            F(0),
        )
        x = rnd(max(x, F(0)), P, R)
        out[c] = {"pending": False, "score": x, "crit": crit}
    if norm.startswith("panel") and allready and here:
        X = {c: out[c]["score"] for c in here}
        M = mean(list(X.values()))
        S2 = mean([(x - M) ** 2 for x in X.values()])
        new = {}
        for p in pans:
            mem = [c for c in here if inpanel(p, c)]
            if not mem:
                continue
            m = mean([X[c] for c in mem])
            s2 = mean([(X[c] - m) ** 2 for c in mem])
            for c in mem:
                if norm == "panel_ratio":
                    y = X[c] if m == 0 else X[c] * M / m
                else:
                    y = M if s2 == 0 else M + (X[c] - m) * sqrt28(S2 / s2)
                new[c] = rnd(max(y, F(0)), P, R)
        for c, y in new.items():
            out[c]["score"] = y
    return out
