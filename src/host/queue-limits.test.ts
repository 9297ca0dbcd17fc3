import { describe, expect, test } from 'vitest'
import { parseKernelVersion } from './kernel-version.ts'
import { type QueueSettings, queueLimits } from './queue-limits.ts'

const usual: QueueSettings = {
  backlog: 511,
  somaxconn: 4096,
  tcp_max_syn_backlog: 512,
  tcp_syncookies: 1,
}

function limits(release: string, settings: Partial<QueueSettings>) {
  return queueLimits(release, { ...usual, ...settings })
}

describe('2.6.20 to 4.3: the table that SystemTap printed in the incident', () => {
  test.each([
    { all: 65535, backlog: 10, syn: 16 },
    { all: 65535, backlog: 512, syn: 1024 },
    { all: 65535, backlog: 65535, syn: 65536 },
    { all: 65536, backlog: 65536, syn: 131072 },
    { all: 181920, backlog: 181920, syn: 262144 },
  ])('sysctls $all, backlog $backlog: SYN queue $syn', ({ all, backlog, syn }) => {
    for (const release of ['2.6.20', '2.6.32-754.el6.x86_64', '3.10.0-1160.el7.x86_64', '4.3']) {
      const settings = { backlog, somaxconn: all, tcp_max_syn_backlog: all }
      expect(limits(release, settings).synQueue.limit).toBe(syn)
    }
  })

  test('the smallest of the three counts, not the backlog alone', () => {
    const settings = { backlog: 5000, somaxconn: 300, tcp_max_syn_backlog: 100 }
    expect(limits('3.10.0', settings).synQueue).toMatchObject({
      limit: 128,
      binding: ['tcp_max_syn_backlog'],
    })
    const other = { ...settings, somaxconn: 100 }
    expect(limits('3.10.0', other).synQueue.binding).toEqual(['somaxconn', 'tcp_max_syn_backlog'])
  })

  test.each([
    { least: 0, limit: 16, binding: ['minimum-8'] },
    { least: 7, limit: 16, binding: ['minimum-8'] },
    { least: 8, limit: 16, binding: ['backlog'] },
    { least: 15, limit: 16, binding: ['backlog'] },
    { least: 16, limit: 32, binding: ['backlog'] },
  ])('rounding at $least', ({ least, limit, binding }) => {
    expect(limits('3.2', { backlog: least }).synQueue).toMatchObject({ limit, binding })
  })

  test('before 4.1 the accept queue has 16 bits', () => {
    const settings = { backlog: 181920, somaxconn: 181920 }
    const cut = { limit: (181920 & 0xffff) + 1, binding: ['sixteen-bits'] }
    expect(limits('3.10', settings).acceptQueue).toMatchObject(cut)
    expect(limits('4.0.9', settings).acceptQueue).toMatchObject(cut)
    expect(limits('4.1', settings).acceptQueue.limit).toBe(181921)
  })
})

describe('accept queue: one more than the smaller of backlog and somaxconn', () => {
  test.each([
    { backlog: 0, limit: 1, binding: ['backlog'] },
    { backlog: 1, limit: 2, binding: ['backlog'] },
    { backlog: 2, limit: 3, binding: ['backlog'] },
    { backlog: 5, limit: 6, binding: ['backlog'] },
    { backlog: 10, limit: 11, binding: ['backlog'] },
    { backlog: 4096, limit: 4097, binding: ['backlog', 'somaxconn'] },
    { backlog: 4097, limit: 4097, binding: ['somaxconn'] },
    { backlog: 2 ** 31 - 1, limit: 4097, binding: ['somaxconn'] },
    { backlog: -1, limit: 4097, binding: ['somaxconn'] },
    { backlog: -(2 ** 31), limit: 4097, binding: ['somaxconn'] },
    { backlog: 2 ** 32 - 1, limit: 4097, binding: ['somaxconn'] },
  ])('backlog $backlog: $limit', ({ backlog, limit, binding }) => {
    for (const release of ['3.10', '4.19.300', '5.10.0-8-amd64', '6.18.44-fc-v657', '7.2.13']) {
      expect(limits(release, { backlog }).acceptQueue).toMatchObject({ limit, binding })
    }
  })

  test('somaxconn 0 leaves one', () => {
    expect(limits('6.18', { somaxconn: 0 }).acceptQueue).toMatchObject({
      limit: 1,
      binding: ['somaxconn'],
    })
  })

  test('a full one drops every SYN since 4.10', () => {
    expect(limits('4.9.337', {}).acceptQueue.whenFull).toBe('syn-dropped-if-two-young')
    expect(limits('4.10', {}).acceptQueue.whenFull).toBe('syn-dropped')
  })
})

describe('SYN queue from 4.4', () => {
  test.each([
    // Measured on 6.18.44; source read in 6.1.192, 6.12.107, 7.2.13.
    { release: '6.18.44-fc-v657', limit: 11 },
    { release: '6.1.192', limit: 11 },
    { release: '6.12.107', limit: 11 },
    { release: '7.2.13', limit: 11 },
    // The first releases with 3479c7549fb1, and the last without.
    ...['5.4.290', '5.10.234', '5.15.177', '6.1.125', '6.6.72', '6.12.10', '6.13'].map(
      (release) => ({ release, limit: 11 }),
    ),
    ...['5.4.289', '5.10.233', '5.15.176', '6.1.124', '6.6.71', '6.12.9'].map((release) => ({
      release,
      limit: 10,
    })),
    { release: '4.4', limit: 10 },
    { release: '4.19.325', limit: 10 },
    { release: '5.2.1', limit: 10 },
    { release: '6.5', limit: 10 },
    // A distribution's number that is past the fix has it.
    { release: '6.6.87.2-microsoft-standard-WSL2', limit: 11 },
    { release: '5.10.234-225.910.amzn2.x86_64', limit: 11 },
  ])('$release, backlog 10: $limit', ({ release, limit }) => {
    expect(limits(release, { backlog: 10 }).synQueue).toMatchObject({ limit, binding: ['backlog'] })
  })

  test.each([
    ['6.1.0-32-amd64', 'fix-perhaps-backported'],
    ['5.15.0-130-generic', 'fix-perhaps-backported'],
    ['4.18.0-553.el8_10.x86_64', 'fix-perhaps-backported'],
    ['6.1', 'patch-not-told'],
    ['5.4', 'patch-not-told'],
    ['6.13-rc7', 'patch-not-told'],
  ])('%s, backlog 10: 10 or 11, cannot tell (%s)', (release, unknown) => {
    expect(limits(release, { backlog: 10 }).synQueue).toMatchObject({
      limit: null,
      between: { min: 10, max: 11 },
      unknown,
      binding: ['backlog'],
    })
  })

  test('tcp_max_syn_backlog is no limit while SYN cookies are on', () => {
    const { synQueue } = limits('6.18', { backlog: 1000, tcp_max_syn_backlog: 64 })
    expect(synQueue).toMatchObject({ limit: 1001, whenFull: 'syn-cookies' })
    expect(synQueue.unproven).toBeUndefined()
  })

  // Measured on 6.18 with backlog 1000.
  test.each([
    [64, 49],
    [100, 76],
    [128, 97],
    [0, 1],
    [1, 2],
  ])('without cookies, tcp_max_syn_backlog %i: %i of peers not yet known', (max, unproven) => {
    const { synQueue } = limits('6.18', {
      backlog: 1000,
      tcp_max_syn_backlog: max,
      tcp_syncookies: 0,
    })
    expect(synQueue).toMatchObject({
      limit: 1001,
      whenFull: 'syn-dropped',
      unproven: { limit: unproven, binding: ['tcp_max_syn_backlog'] },
    })
  })

  test('near miss: a backlog below the three quarters is the only limit', () => {
    const settings = { backlog: 48, tcp_max_syn_backlog: 64, tcp_syncookies: 0 }
    expect(limits('6.18', settings).synQueue.unproven).toBeUndefined()
    expect(limits('6.18', { ...settings, backlog: 49 }).synQueue.unproven?.limit).toBe(49)
  })

  test('tcp_syncookies 2: the queue is not used', () => {
    expect(limits('6.18', { tcp_syncookies: 2 }).synQueue).toMatchObject({ unused: true })
  })
})

describe('kernels of which nothing is known', () => {
  test.each([
    ['2.6.19', 'kernel-too-old'],
    ['2.4.37', 'kernel-too-old'],
    ['7.3', 'kernel-too-new'],
    ['8.0.1', 'kernel-too-new'],
    ['Darwin', 'kernel-not-understood'],
    ['', 'kernel-not-understood'],
  ])('%j: cannot tell (%s)', (release, unknown) => {
    const nothing = { limit: null, unknown, binding: [], whenFull: 'unknown' }
    expect(limits(release, {})).toEqual({ acceptQueue: nothing, synQueue: nothing })
  })
})

describe('kernel versions', () => {
  test.each([
    ['6.18.44-fc-v657', { numbers: [6, 18, 44], plain: false, candidate: false }],
    ['v4.3', { numbers: [4, 3, null], plain: true, candidate: false }],
    ['2.6.32.61', { numbers: [2, 6, 32], plain: true, candidate: false }],
    ['6.13-rc7', { numbers: [6, 13, null], plain: true, candidate: true }],
    ['6.13.0-rc7+', { numbers: [6, 13, 0], plain: true, candidate: true }],
    ['6', null],
    ['six.one', null],
  ])('%s', (release, version) => {
    expect(parseKernelVersion(release)).toEqual(version)
  })
})
