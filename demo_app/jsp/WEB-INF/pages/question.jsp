<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%!
  /** What is wrong with an answer, in words for the candidate; null when it can be saved. */
  static String answerError(Map<String, Object> question, List<String> answer) {
    if (answer.isEmpty()) return null;
    Object kind = question.get("kind");
    String text = answer.get(0);
    int length = text.codePointCount(0, text.length());
    if (question.containsKey("options")) {
      return ((Map<?, ?>) question.get("options")).keySet().containsAll(answer) ? null : "Please choose from the answers listed.";
    }
    int most = kind.equals("long") ? 20000 : 200;
    if (!kind.equals("number") && length > most) return "Your answer is too long: at most " + most + " characters can be saved.";
    if (kind.equals("number") && !text.matches("[+-]?[0-9]{1,12}([.,][0-9]{1,6})?")) return "Please enter a number, for example 2.75.";
    return null;
  }
%><%
  allowMethods(request, response, "GET", "POST");
  Properties attempt = requireAttempt(request, response);
  List<Map<String, Object>> questions = list(application, "questions");
  int number = Integer.parseInt((String) request.getAttribute("number")), last = questions.size();
  if (number > last) fail(request, response, 404, "Page not found", "There is no page at this address.");
  String base = "/exam/" + attempt.getProperty("id");
  Map<String, Object> question = questions.get(number - 1);
  boolean several = question.get("kind").equals("multiple"), options = question.containsKey("options");
  List<String> answer = options ? chosen(attempt, number) : attempt.containsKey("answer." + number) ? List.of(attempt.getProperty("answer." + number)) : List.of();
  String error = null;
  if (isPost(request)) {
    checkCsrf(request, response);
    if (several) {
      String[] sent = request.getParameterValues("answer[]");
      answer = sent == null ? List.of() : new ArrayList<>(new LinkedHashSet<>(Arrays.asList(sent)));
    } else {
      String sent = field(request, "answer").trim();
      answer = sent.isEmpty() ? List.of() : List.of(sent);
    }
    error = answerError(question, answer);
    if (error == null) {
      String key = "answer." + number, kept = String.join("\n", answer);
      changeAttempt(request, response, attempt.getProperty("id"), changed -> {
        if (kept.isEmpty()) changed.remove(key); else changed.setProperty(key, kept);
      });
      String go = field(request, "go");
      String next = number < last ? "/q/" + (number + 1) : "/upload", previous = number > 1 ? "/q/" + (number - 1) : "/instructions";
      redirect(response, base + (go.equals("prev") ? previous : go.equals("scratch") ? "/scratch?q=" + number : next));
    }
    response.setStatus(422);
  } else if (isFinished(attempt)) {
    redirect(response, base + "/done");
  }
  String shown = answer.isEmpty() ? "" : h(answer.get(0));
  String title = "Question " + number, id = "question", head = "", beforeHead = "";
  String statusText = "Question " + number + " of " + last;
  int percent = 100 * number / last;
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<%@ include file="/WEB-INF/include/status.jspf" %>
<h1><%= number %>. <%= h(question.get("title")) %></h1>
<% if (error != null) { %><p class="message error"><%= h(error) %></p><% } %>
<p><%= h(question.get("text")) %></p>
<form method="post" action="<%= response.encodeURL(base + "/q/" + number) %>">
<%= csrfField(request) %>
<% if (options) { %><ul class="options"><% for (Map.Entry<?, ?> option : ((Map<?, ?>) question.get("options")).entrySet()) { %><li><label><input type="<%= several ? "checkbox" : "radio" %>" name="<%= several ? "answer[]" : "answer" %>" value="<%= option.getKey() %>"<%= answer.contains(option.getKey()) ? " checked=\"checked\"" : "" %> /> <%= h(option.getValue()) %></label></li><% } %></ul><% } else if (question.get("kind").equals("long")) { %><p><textarea name="answer" rows="12" cols="80">
<%= shown %></textarea></p><% } else { %><p><input class="text" type="text" name="answer" size="<%= question.get("kind").equals("number") ? 12 : 50 %>" value="<%= shown %>" autocomplete="off" /></p><% } %>
<p class="buttons">
<button class="right" type="submit" name="go" value="next">Next</button>
<button type="submit" name="go" value="prev">Previous</button>
<button class="plain" type="submit" name="go" value="scratch">Scratch paper</button>
</p>
</form>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
