<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "GET", "POST");
  String number = requireCandidate(request, response);
  if (isPost(request)) {
    checkCsrf(request, response);
    if (!field(request, "exam").equals(exam(application).get("id"))) fail(request, response, 404, "Examination not found", "There is no such examination.");
    redirect(response, "/exam/" + newAttempt(number, candidateName(request)) + "/instructions");
  }
  List<Properties> attempts = attemptsOf(number);
  Map<String, Object> exam = exam(application);
  String title = "Examinations", id = "exams", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1>Examinations</h1>
<table class="list">
<tr><th>Code</th><th>Examination</th><th>Time</th><th></th></tr>
<tr><td><%= h(exam.get("code")) %></td><td><%= h(exam.get("title")) %>, <%= h(exam.get("term")) %></td><td><%= exam.get("minutes") %> minutes</td><td>
<form method="post" action="<%= response.encodeURL("/exams") %>">
<%= csrfField(request) %>
<input type="hidden" name="exam" value="<%= h(exam.get("id")) %>" />
<input class="submit" type="submit" value="Start exam" />
</form>
</td></tr>
</table>
<% if (!attempts.isEmpty()) { %>
<h2>Your attempts</h2>
<table class="list">
<tr><th>Started</th><th>Attempt</th><th>State</th></tr>
<% for (Properties attempt : attempts) { String base = "/exam/" + attempt.getProperty("id"); %>
<tr><td><%= utc(Long.parseLong(attempt.getProperty("created_at")), "yyyy-MM-dd HH:mm") %> UTC</td><td><code><%= attempt.getProperty("id") %></code></td><td>
<% if (isFinished(attempt)) { %><a href="<%= response.encodeURL(base + "/done") %>">Finished</a><% } else { %><a href="<%= response.encodeURL(base + "/instructions") %>">Continue</a><% } %>
</td></tr>
<% } %>
</table>
<% } %>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
