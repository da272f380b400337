<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%!
  /** An answer in words. */
  static String answerText(Properties attempt, int number, Map<String, Object> question) {
    if (!attempt.containsKey("answer." + number)) return "Not answered";
    if (!question.containsKey("options")) return attempt.getProperty("answer." + number);
    List<String> texts = new ArrayList<>();
    for (Map.Entry<?, ?> option : ((Map<?, ?>) question.get("options")).entrySet()) {
      if (chosen(attempt, number).contains(option.getKey())) texts.add(option.getValue().toString());
    }
    return String.join("; ", texts);
  }

  private static final String COMMENT = "<!-- printAnswers() writes a window with its own <head> and <title>, see below -->";
  private static final String SCRIPT = String.join("\n",
    "<script type=\"text/javascript\">",
    "// The print version gets a <head> of its own.",
    "function printAnswers() {",
    "  var popup = window.open('', 'print', 'width=700,height=600');",
    "  popup.document.write('<html><head><title>My answers</title></head><body>' + document.getElementById('answers').outerHTML + '</body></html>');",
    "  popup.document.close();",
    "  popup.print();",
    "}",
    "</script>");
%><%
  allowMethods(request, response, "GET");
  Properties attempt = requireAttempt(request, response);
  String base = "/exam/" + attempt.getProperty("id");
  if (isFinished(attempt)) redirect(response, base + "/done");
  String title = "Review", id = "review", head = SCRIPT, beforeHead = COMMENT, statusText = "Review";
  int percent = 100, number = 0;
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<%@ include file="/WEB-INF/include/status.jspf" %>
<h1>Review your answers</h1>
<table class="list" id="answers">
<tr><th>Question</th><th>Your answer</th><th></th></tr>
<% for (Map<String, Object> question : list(application, "questions")) { number++; %>
<tr><td><%= number %>. <%= h(question.get("title")) %></td><td><%= h(answerText(attempt, number, question)) %></td><td><a href="<%= response.encodeURL(base + "/q/" + number) %>">Change</a></td></tr>
<% } %>
</table>
<%@ include file="/WEB-INF/include/uploaded.jspf" %>
<p class="message">After you finish, your answers can no longer be changed.</p>
<form method="post" action="<%= response.encodeURL(base + "/finish") %>">
<%= csrfField(request) %>
<p class="buttons"><a href="<%= response.encodeURL(base + "/upload") %>">Previous</a> <button type="button" class="plain" onclick="printAnswers()">Print</button> <input class="submit right" type="submit" value="Finish examination" /></p>
</form>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
