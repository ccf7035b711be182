// The kinds of ruling a chief makes: what each asks, and the sentence that says it is done.
import { t } from '../shared/strings.js';
import { shown, clock } from '../shared/decimal.js';
import { entryName } from './pad-view.js';

export const STATUS = () => ({ ok: t('正常参赛'), absent: t('缺席'), withdrawn: t('退赛'), disqualified: t('取消资格') });
export const WINDOW = () => ({ open: t('开放'), paused: t('暂停'), closed: t('关闭') });
const who = (judge) => (judge ? judge : t('记录员'));

// fields in the order of the form; required; a title; done(message) for the toast and the list
export const RULINGS = {
  adjust: {
    title: () => t('加减分'), hint: () => t('罚分写负数。要收回，再记一次相反的。'), fields: ['stage', 'entry', 'amount', 'reason'], required: ['entry', 'amount', 'reason'],
    done: (m) => t('{entry} {amount} 分', { entry: entryName(m.entry), amount: m.amount.startsWith('-') ? shown(m.amount) : `+${m.amount}` }),
  },
  absent: {
    title: () => t('评委缺席'), hint: () => t('缺席的评委不再等待，已评的分数留着、不计入。'), fields: ['stage', 'judge', 'entry', 'on', 'reason'], required: ['judge', 'reason'], wholeStage: true,
    done: (m) => (m.on ? t('{judge} 缺席：{entry}', { judge: m.judge, entry: m.entry ? entryName(m.entry) : t('整个环节') }) : t('{judge} 不再缺席：{entry}', { judge: m.judge, entry: m.entry ? entryName(m.entry) : t('整个环节') })),
  },
  recuse: {
    title: () => t('评委回避'), hint: () => t('回避在这名选手的所有环节有效。'), fields: ['track', 'judge', 'entry', 'on', 'reason'], required: ['judge', 'entry', 'reason'],
    done: (m) => (m.on ? t('{judge} 回避 {entry}', { judge: m.judge, entry: entryName(m.entry) }) : t('{judge} 不再回避 {entry}', { judge: m.judge, entry: entryName(m.entry) })),
  },
  status: {
    title: () => t('选手状态'), hint: () => t('缺席、退赛、取消资格从所选环节起有效；也可恢复正常。'), fields: ['track', 'entry', 'status', 'status_from', 'reason'], required: ['entry', 'status', 'reason'],
    done: (m) => t('{entry}：{status}', { entry: entryName(m.entry), status: STATUS()[m.status] ?? m.status }),
  },
  time: {
    title: () => t('用时'), hint: () => t('写 分:秒，如 59:01.2；或只写秒数。'), fields: ['stage', 'entry', 'seconds', 'reason'], required: ['entry', 'seconds', 'reason'],
    done: (m) => t('{entry} 用时 {time}', { entry: entryName(m.entry), time: m.seconds === null ? '–' : clock(m.seconds) }),
  },
  reopen: {
    title: () => t('退回评分表'), hint: () => t('退回后可以改；再提交以前，原来提交的分数照旧计算，榜单上注明。'), fields: ['reason'], required: ['reason'],
    fixed: (g) => ({ stage: g.stage, entry: g.entry, attempt: g.attempt, ...(g.judge ? { judge: g.judge } : {}) }),
    done: (m) => t('已退回：{judge}，{entry}', { judge: who(m.judge), entry: entryName(m.entry) }),
  },
  window: {
    title: (g) => ({ open: t('开放评分'), paused: t('暂停评分'), closed: t('关闭评分') }[g?.state] ?? t('评分窗口')), fields: ['reason'], required: [],
    fixed: (g) => ({ stage: g.stage, state: g.state }),
    done: (m) => ({ open: t('评分已开放'), paused: t('评分已暂停'), closed: t('评分已关闭') }[m.state]),
  },
  freeze: {
    title: (g) => (g?.on ? t('冻结榜单') : t('解除冻结')), fields: ['reason'], required: [],
    fixed: (g) => ({ on: g.on }),
    done: (m) => (m.on ? t('榜单已冻结') : t('榜单已解除冻结')),
  },
};

export const PANEL = ['adjust', 'absent', 'recuse', 'status', 'time'];
