<%@ include file="/WEB-INF/include/site.jspf" %><%
  allowMethods(request, response, "GET", "POST");
  csrf(request);
  String error = "", name = "";
  if (isPost(request)) {
    checkCsrf(request, response);
    name = field(request, "name").replace('\n', ' ').replace('\t', ' ').trim();
    String number = null;
    for (Map<String, Object> listed : list(application, "candidates")) {
      if (listed.get("password").equals(field(request, "password"))) number = listed.get("id").toString();
    }
    if (name.isEmpty() || name.codePointCount(0, name.length()) > 80) {
      error = "Please enter your name (at most 80 characters).";
    } else if (number == null) {
      error = "This password is not known. Please use one of the list.";
    } else {
      // A new id at every login, against session fixation: JSESSIONID is therefore no name for a sitting.
      request.changeSessionId();
      HttpSession session = request.getSession();
      session.setAttribute("candidate", number);
      session.setAttribute("name", name);
      session.setAttribute("csrf", randomId());
      Cookie uid = new Cookie("uid", number);
      uid.setPath("/");
      uid.setAttribute("SameSite", "Lax");
      response.addCookie(uid);
      redirect(response, "/exams");
    }
    response.setStatus(422);
  }
  String title = "Log in", id = "login", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<div class="columns">
<div>
<h1>Log in</h1>
<% if (!error.isEmpty()) { %><p class="message error"><%= h(error) %></p><% } %>
<form method="post" action="<%= response.encodeURL("/login") %>">
<%= csrfField(request) %>
<label class="field" for="name">Name</label>
<input class="text" type="text" id="name" name="name" size="30" value="<%= h(name) %>" />
<label class="field" for="password">Password</label>
<input class="text" type="password" id="password" name="password" size="30" />
<p><input class="submit" type="submit" value="Log in" /></p>
</form>
</div>
<div>
<h2>Candidates of this session</h2>
<p class="quiet">This is a trial session. Enter your name and any password of the list.</p>
<table class="list">
<tr><th>Number</th><th>Name</th><th>Password</th></tr>
<% for (Map<String, Object> listed : list(application, "candidates")) { %>
<tr><td><%= h(listed.get("id")) %></td><td><%= h(listed.get("name")) %></td><td><code><%= h(listed.get("password")) %></code></td></tr>
<% } %>
</table>
</div>
</div>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
