<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "GET");
  Properties attempt = requireAttempt(request, response);
  if (!isFinished(attempt)) redirect(response, "/exam/" + attempt.getProperty("id") + "/review");
  Map<String, Object> exam = exam(application);
  int count = list(application, "questions").size(), answered = 0;
  for (int number = 1; number <= count; number++) if (attempt.containsKey("answer." + number)) answered++;
  String title = "Examination finished", id = "done", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1>Examination finished</h1>
<p class="message good">Thank you, <%= h(attempt.getProperty("name")) %>. Your examination was handed in on <%= utc(Long.parseLong(attempt.getProperty("finished_at")), "yyyy-MM-dd 'at' HH:mm") %> UTC.</p>
<p>You answered <%= answered %> of <%= count %> questions in <%= h(exam.get("code")) %>, <%= h(exam.get("title")) %>.</p>
<%@ include file="/WEB-INF/include/uploaded.jspf" %>
<p>Attempt <code><%= attempt.getProperty("id") %></code>. Results are published in the student portal.</p>
<p class="buttons"><a href="<%= response.encodeURL("/exams") %>">Back to the list of examinations</a> <a class="right" href="<%= response.encodeURL("/logout") %>">Log out</a></p>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
