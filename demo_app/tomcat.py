"""The JSP site on Tomcat 10 as Debian packages it, with a folder of its own: no service, no files outside ``folder``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from xml.sax.saxutils import quoteattr

HERE = Path(__file__).resolve().parent
HOME = Path("/usr/share/tomcat10")
DEFAULTS = Path("/etc/tomcat10")

SERVER = """\
<Server port="-1">
  <Service name="Catalina">
    <Connector address="127.0.0.1" port="{port}" protocol="HTTP/1.1" maxThreads="16" minSpareThreads="2" maxPostSize="22020096"
        maxSwallowSize="-1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" autoDeploy="false">
        <Valve className="org.apache.catalina.valves.RemoteIpValve" internalProxies="127\\.0\\.0\\.1" remoteIpHeader="X-Forwarded-For" protocolHeader="X-Forwarded-Proto"/>
      </Host>
    </Engine>
  </Service>
</Server>
"""
# The texts and the style sheet are shared with the other sites, so they are mounted instead of copied.
CONTEXT = """\
<Context docBase={site} sessionCookiePath="/">
  <Manager pathname=""/>
  <CookieProcessor sameSiteCookies="lax"/>
  <Resources>
    <PreResources className="org.apache.catalina.webresources.DirResourceSet" base={static} webAppMount="/static"/>
    <PreResources className="org.apache.catalina.webresources.DirResourceSet" base={content} webAppMount="/WEB-INF/content"/>
  </Resources>
</Context>
"""
# A small site needs neither a large heap nor the second compiler: it is up in half the time.
JAVA_OPTIONS = (
    "-Xmx160m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true -Djava.security.egd=file:/dev/urandom"
)


def is_installed() -> bool:
    return (HOME / "bin" / "catalina.sh").is_file() and shutil.which("java") is not None


def prepare(folder: Path, port: int, *, site: Path = HERE / "jsp") -> tuple[list[str], dict[str, str]]:
    """Writes a CATALINA_BASE into ``folder``; returns the command and what to add to the environment."""
    for name in ("logs", "temp", "work", "webapps"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    conf = folder / "conf"
    (conf / "Catalina" / "localhost").mkdir(parents=True, exist_ok=True)
    for name in ("web.xml", "catalina.properties", "logging.properties"):
        shutil.copy(DEFAULTS / name, conf / name)
    (conf / "server.xml").write_text(SERVER.format(port=port), "utf-8")
    paths = {"site": site, "static": HERE / "content" / "static", "content": HERE / "content"}
    context = CONTEXT.format(**{name: quoteattr(os.fspath(path)) for name, path in paths.items()})
    (conf / "Catalina" / "localhost" / "ROOT.xml").write_text(context, "utf-8")
    env = {"CATALINA_HOME": str(HOME), "CATALINA_BASE": str(folder), "CATALINA_OPTS": JAVA_OPTIONS}
    return [str(HOME / "bin" / "catalina.sh"), "run"], env
