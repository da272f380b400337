<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "GET", "POST");
  Properties attempt = requireAttempt(request, response);
  String base = "/exam/" + attempt.getProperty("id");
  if (isPost(request)) {
    checkCsrf(request, response);
    redirect(response, base + "/q/1");
  }
  Map<String, Object> exam = exam(application);
  String title = "Instructions", id = "instructions", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1><%= h(exam.get("title")) %></h1>
<p><%= h(exam.get("code")) %>, <%= h(exam.get("term")) %>. Attempt <code><%= attempt.getProperty("id") %></code></p>
<ul>
<li>You have <%= exam.get("minutes") %> minutes for <%= list(application, "questions").size() %> questions. The clock starts when the first question is displayed.</li>
<li>Your answer is saved whenever you leave a question with Previous, Next or Scratch paper.</li>
<li>You may go back and change your answers until you finish the examination.</li>
<li>After the last question you can upload one file with your working, at most <%= exam.get("upload_megabytes") %> MB.</li>
<li>The <a href="<%= response.encodeURL("/handbook") %>">examination handbook</a> applies.</li>
</ul>
<form method="post" action="<%= response.encodeURL(base + "/instructions") %>">
<%= csrfField(request) %>
<p class="buttons"><input class="submit" type="submit" value="Begin" /></p>
</form>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
