<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%
  allowMethods(request, response, "GET");
  Properties attempt = requireAttempt(request, response);
  String base = "/exam/" + attempt.getProperty("id"), from = field(request, "q");
  int number = from.matches("[1-9]") && Integer.parseInt(from) <= list(application, "questions").size() ? Integer.parseInt(from) : 1;
  String title = "Scratch paper", id = "scratch", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1>Scratch paper</h1>
<p>Notes on this page are neither saved nor marked.</p>
<p><textarea id="notes" rows="14" cols="80"></textarea></p>
<p class="buttons"><a href="<%= response.encodeURL(base + "/q/" + number) %>">Back to question <%= number %></a> <button class="right" type="button" onclick="return openCalculator('<%= response.encodeURL(base + "/calculator") %>')">Calculator</button></p>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
