"""A login page with a button that shows the password, and the server that takes what is sent. Runs inside the sandbox."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

PAGE = """<!doctype html><title>Portal</title><style>*{font:18px sans-serif}
input{position:absolute;left:60px;width:300px;height:34px;padding:0;margin:0;border:2px solid #555;outline:none}
button,label{position:absolute}</style>
<form method=post action=/login>
<label style="left:60px;top:78px">User name</label><input name=user style="top:102px">
<label style="left:60px;top:158px">Password</label><input id=p name=password type=KIND style="top:182px">
<button type=button style="left:400px;top:184px;width:100px" onclick="p.type=p.type=='text'?'password':'text'">Show</button>
<button style="left:60px;top:244px">Sign in</button></form>"""
SERVE = ("sh", "-c", "cd $HOME && exec python3 server.py")
SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(open("page.html").read())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open("posted.txt", "w") as file:
            file.write(body)
        self.say("<h1>Welcome</h1>")
    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8731), Handler).serve_forever()
"""


def posted(home: Path) -> dict[str, str]:
    """What was sent; empty: nothing."""
    path = home / "posted.txt"
    return dict(parse_qsl(path.read_text())) if path.exists() else {}
