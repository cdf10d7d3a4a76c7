"""A web service: GET /report sends a chord across both languages and answers with its result.

With FastAPI the handler is the same: a plain `def`, which FastAPI runs in a thread, since `get()` waits.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from celery import chain, chord
from fleet import convert, fetch_orders, report


def get_report(countries=("se", "fr", "jp")):
    # a header of chains: Python fetches, TypeScript converts; TypeScript is the body, too
    header = [chain(fetch_orders.s(country), convert.clone(args=(country,))) for country in countries]
    return chord(header)(report.clone()).get(timeout=120)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/report":
            self.send_error(404)
            return
        body = json.dumps(get_report()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler)
    print(f"http://127.0.0.1:{server.server_port}/report", flush=True)
    server.serve_forever()
