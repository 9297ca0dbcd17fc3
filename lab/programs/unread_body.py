"""The same mistake in Python: urlopen() for a header; an object in a cycle is closed by the collector, not by the last reference.

unread_body.py SECONDS faulty|fixed URL...
"""

import gc
import sys
import time
import urllib.request

seconds, mode, *urls = sys.argv[1:]
gc.disable()


class Asked:
    def __init__(self, url):
        request = urllib.request.Request(url, method='HEAD' if mode == 'fixed' else 'GET')
        self.response, self.me = urllib.request.urlopen(request), self
        print(url, self.response.headers['Last-Modified'], flush=True)
        if mode == 'fixed':
            self.response.close()


end, collect, turn = time.monotonic() + int(seconds), time.monotonic() + 3, 0
while time.monotonic() < end:
    Asked(urls[turn % len(urls)])
    turn += 1
    time.sleep(0.12 + (turn * 37) % 160 / 1000)
    if time.monotonic() > collect:
        collect += 3
        gc.collect()
gc.collect()
time.sleep(0.5)
