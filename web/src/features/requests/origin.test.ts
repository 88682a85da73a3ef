import { expect, test } from 'vitest'
import { originOf } from './origin'

const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0'

test.each([
  [`10.0.0.7 Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`, 'Chrome on Linux, 10.0.0.7'],
  [`10.0.0.7 Mozilla/5.0 (Linux; Android 16; Pixel 9) ${CHROME} Mobile Safari/537.36`, 'Chrome on Android, 10.0.0.7'],
  [`::1 Mozilla/5.0 (Windows NT 10.0) ${CHROME} Safari/537.36 Edg/140.0`, 'Edge on Windows, ::1'],
  ['::1 Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1', 'Safari on iPhone, ::1'],
  ['127.0.0.1 curl/8.5.0', 'curl, 127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
])('%s', (from, origin) => {
  expect(originOf(from)).toBe(origin)
})
